## 关于文件、人员与批准的命令在终端上说的话。

told-withdrawn = { $number } 已撤回；依据它的记录暂不发送
told-on-file = { $number } 已存档，SHA-256 { $sha256 }
told-consent = 已记录；该人的记录会重新判断
told-notice-published = 已发布；请在生效前交给有关人员
told-notice-given = 已记录为已交付
told-baseline = 已输入；从现在起按它计算输出
told-stopped = 仅限本地已开启：没有任何数据离开主机
told-restricted = 已限制
told-lifted = 已解除；该人的记录会重新判断
told-noted = 已记录
told-answered = 已答复
told-mapped = 已对应；该人的打卡会重新判断
told-imported = 新增 { $added }，更新 { $updated }，未变 { $unchanged }
told-corrected = 已更正：{ $columns }
told-asked = 请求 { $number }：须在 { $due } 前答复

paper-withdrawn = 已撤回
paper-to-come = 尚未生效
paper-ended = 已到期
paper-in-force = 有效
paper-span = { $from } 至 { $to }

notice-line = { $kind } { $version }，自 { $from }，关于 { $to }

counter-all = 全部
counter-line = { $law } { $year } 发往 { $to } { $bucket }：{ $persons } 人，敏感 { $sensitive } 人，{ $records } 条记录
counter-bound-none = （下限：未输入其他系统的输出）
counter-bound = （下限）
counter-alarm = 警报
counter-legal = 法定
counter-early = 预警
counter-mark = { $scale } { $threshold }：{ $count } / { $at }
counter-forecast = 按目前速度将于 { $day } 达到

request-set-up = 已完成，由 { $person } 提出：主机仍在设置中，无需他人
request-made = 请求 { $id }，由 { $person }（{ $role }）提出
request-second = 须由另一人在一天内批准：muster approve { $id } --key FILE
request-frees = 请求 { $id }：它会放行记录，须经两位签署人批准才生效
request-both = 每位签署人在一天内：muster approve { $id } --key FILE
request-about = 关于 { $person } { $name }
request-approved = 已由 { $person }（{ $role }）批准
request-one-more = 还须一位签署人批准才生效
request-todo = 尚待处理：{ $todo }
request-state-approved = 已由 { $person } 批准
request-state-waits = 等待批准，为期一天
request-asked = 由 { $person } 提出
request-proposed = 由 { $person } 提出，未签署

signer-from = 自 { $from } 起可签署

erasure-done = 已删除
erasure-deferred = 限制至 { $until }：{ $law } 的法律要求保留工时
erasure-left = 已从主机移除，尚待处理：{ $left }

right-answered = 已答复
right-overdue = 已逾期，期限为 { $due }
right-owed = 须在 { $due } 前答复
right-line = { $number } { $person } { $right }，依据 { $law }：{ $state }

person-records = 过去一年的记录
told-policy-good = 政策没有问题
told-in-all = 总计：{ $direction }
told-warning = 警告

import-unread = 无法读取 { $file }：{ $why }
import-nothing = { $file }：没有导入任何数据；请改正以下各项后再导入：
import-more = 另有 { $count } 项
import-encoding-wrong = 文件不是 { $encoding } 编码；请用 --encoding 指定其他编码，或存成 UTF-8
import-no-text = 文件不是文本；请存成 UTF-8 的 CSV
import-encoding-two = 文件可能是 GB18030 或 Big5；请用 --encoding 指定
import-encoding-unknown = 文件不是 UTF-8、GB18030 或 Big5；请存成 UTF-8 的 CSV
import-no-table = 文件不是 CSV 表格；请存成 UTF-8 的 CSV
import-column-unknown = 不认识的列 { $column }；可用的列有 { $known }
import-column-twice = 列 { $column } 出现两次
import-column-missing = 缺少列 { $column }；必须有 person 和 name
import-cells = 第 { $line } 行：单元格数目须与列数相同
import-number = 第 { $line } 行：person：须为 1 至 48 个字符，不含控制字符
import-same = 第 { $line } 行：person：与第 { $first } 行相同；每人一行
import-too-many = 超过 { $max } 行；请分成几个文件
import-name = 第 { $line } 行：name：缺少姓名
import-long = 第 { $line } 行：{ $column }：最多 { $max } 个字符
import-word = 第 { $line } 行：{ $column }：须为 { $words } 之一，或留空
import-laws = 第 { $line } 行：employment_law：最多 { $max } 个代码
import-law = 第 { $line } 行：employment_law：须为 MO、CN 之类的代码

doctor-ok = 正常
doctor-warning = 注意
doctor-broken = 故障
doctor-count = { $ok } 项正常，{ $warnings } 项须留意，{ $broken } 项故障

status-site = 场所
status-gateway = 网关
status-running = 运行中
status-stopped = 没有运行
status-journal = 日志
status-records = { $state }，{ $count } 条记录
status-policy = 政策
status-no-policy = 没有：一切等待
status-holds = 一概不发送：{ $code }
status-refused = 未被接受：{ $why }
status-next = { $policy } 到期接替
status-stop = 仅限本地
status-stopped-by = 由 { $by } 开启：一概不发送
status-ends = 即将到期
status-ended = 已到期
status-waiting = 尚未发送
status-held = { $count } 条等待：{ $code }
status-destination = 目的地
status-sent = { $name }：等待 { $backlog }，准许 { $permitted } 中已发送 { $settled }，无法送达 { $undeliverable }
status-paused = ，已暂停：{ $why }
status-alarm = 警报
status-alarm-told = { $device }：{ $cause }（{ $count } 次）
status-nobody = 未知的设备
status-need = 须处理
status-set-aside = 已搁置 { $count } 条
