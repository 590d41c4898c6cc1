# 文件為何沒有存入。
paper-refused-kind = 文件類型是 1 至 48 個小寫字母、數字及連字號，例如 dpa。
paper-refused-dates = 文件在開始前已結束；請更正日期。
paper-refused-hash = 文件的雜湊值不是 64 個十六進位數字的 SHA-256。
paper-refused-text = 文件的某段文字太長或含控制字元；請縮短。
paper-refused-old-clauses = eu-scc 必須寫明第 2021/914 號決定及其模組（1、2、3 或 4）：舊條款已不算數。
paper-refused-no-destination = 沒有目的地的條款證明不了什麼；請寫明目的地。
paper-refused-unknown = 登記冊沒有這個編號的文件。
paper-refused-full = 登記冊已滿；請撤回已到期的文件。
