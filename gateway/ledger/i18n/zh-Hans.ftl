# 文件为何没有存入，政策为何没有生效。
paper-refused-kind = 文件类型是 1 至 48 个小写字母、数字及连字符，例如 dpa。
paper-refused-dates = 文件在开始前已结束；请更正日期。
paper-refused-hash = 文件的哈希值不是 64 个十六进制数字的 SHA-256。
paper-refused-text = 文件的某段文字太长或含控制字符；请缩短。
paper-refused-old-clauses = eu-scc 必须写明第 2021/914 号决定及其模块（1、2、3 或 4）：旧条款已不算数。
paper-refused-no-destination = 没有目的地的条款证明不了什么；请写明目的地。
paper-refused-unknown = 登记册没有这个编号的文件。
paper-refused-full = 登记册已满；请撤回已到期的文件。
policy-refused-version = { $id } 的第 { $found } 版跟在第 { $known } 版之后；版本号只增不减：给它更大的号码并重新签署。
policy-refused-parent = 政策承接 { $found }，而生效的是 { $known }；请由后者重写，并更正 `parent`。
policy-refused-law-pack = 法律包是第 { $found } 版，而生效的是第 { $known } 版；法律包只增不减。
policy-refused-loosening = 放宽需要两个人以两个职责签署，其中包括数据保护主任；请其他人签署。
policy-refused-tightening = 收紧需要一个签署；请签署。
policy-refused-parents-signers = 连同上一版的签署人，这一版仍欠两个人、两个职责或数据保护主任。
