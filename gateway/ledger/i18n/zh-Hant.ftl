# 文件為何沒有存入，政策為何沒有生效。
paper-refused-kind = 文件類型是 1 至 48 個小寫字母、數字及連字號，例如 dpa。
paper-refused-dates = 文件在開始前已結束；請更正日期。
paper-refused-hash = 文件的雜湊值不是 64 個十六進位數字的 SHA-256。
paper-refused-text = 文件的某段文字太長或含控制字元；請縮短。
paper-refused-old-clauses = eu-scc 必須寫明第 2021/914 號決定及其模組（1、2、3 或 4）：舊條款已不算數。
paper-refused-no-destination = 沒有目的地的條款證明不了什麼；請寫明目的地。
paper-refused-unknown = 登記冊沒有這個編號的文件。
paper-refused-full = 登記冊已滿；請撤回已到期的文件。
policy-refused-version = { $id } 的第 { $found } 版跟在第 { $known } 版之後；版本號只增不減：給它更大的號碼並重新簽署。
policy-refused-parent = 政策承接 { $found }，而生效的是 { $known }；請由後者重寫，並更正 `parent`。
policy-refused-law-pack = 法律包是第 { $found } 版，而生效的是第 { $known } 版；法律包只增不減。
policy-refused-loosening = 放寬需要兩個人以兩個職責簽署，其中包括資料保護主任；請其他人簽署。
policy-refused-tightening = 收緊需要一個簽署；請簽署。
policy-refused-parents-signers = 連同上一版的簽署人，這一版仍欠兩個人、兩個職責或資料保護主任。
