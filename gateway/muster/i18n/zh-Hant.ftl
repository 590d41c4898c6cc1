## 關於文件、人員與批准的指令在終端機上說的話。

told-withdrawn = { $number } 已撤回；依據它的記錄暫不送出
told-on-file = { $number } 已存檔，SHA-256 { $sha256 }
told-consent = 已記錄；該人的記錄會重新判斷
told-notice-published = 已發布；請在生效前交給有關人士
told-notice-given = 已記錄為已交付
told-baseline = 已輸入；由現在起按它計算輸出
told-stopped = 僅限本地已開啟：沒有任何資料離開主機
told-restricted = 已限制
told-lifted = 已解除；該人的記錄會重新判斷
told-noted = 已記錄
told-answered = 已答覆
told-mapped = 已對應；該人的打卡會重新判斷
told-imported = 新增 { $added }，更新 { $updated }，未變 { $unchanged }
told-corrected = 已更正：{ $columns }
told-asked = 請求 { $number }：須於 { $due } 前答覆

paper-withdrawn = 已撤回
paper-to-come = 尚未生效
paper-ended = 已到期
paper-in-force = 有效
paper-span = { $from } 至 { $to }

notice-line = { $kind } { $version }，自 { $from }，關於 { $to }

counter-all = 全部
counter-line = { $law } { $year } 送往 { $to } { $bucket }：{ $persons } 人，敏感 { $sensitive } 人，{ $records } 項記錄
counter-bound-none = （下限：未輸入其他系統的輸出）
counter-bound = （下限）
counter-alarm = 警報
counter-legal = 法定
counter-early = 預警
counter-mark = { $scale } { $threshold }：{ $count } / { $at }
counter-forecast = 按目前速度將於 { $day } 達到

request-set-up = 已完成，由 { $person } 提出：主機仍在設定中，無需他人
request-made = 請求 { $id }，由 { $person }（{ $role }）提出
request-second = 須由另一人在一天內批准：muster approve { $id } --key FILE
request-frees = 請求 { $id }：它會放行記錄，須經兩位簽署人批准才生效
request-both = 每位簽署人在一天內：muster approve { $id } --key FILE
request-about = 關於 { $person } { $name }
request-approved = 已由 { $person }（{ $role }）批准
request-one-more = 還須一位簽署人批准才生效
request-todo = 尚待處理：{ $todo }
request-state-approved = 已由 { $person } 批准
request-state-waits = 等待批准，為期一天
request-asked = 由 { $person } 提出
request-proposed = 由 { $person } 提出，未簽署

signer-from = 自 { $from } 起可簽署

erasure-done = 已刪除
erasure-deferred = 限制至 { $until }：{ $law } 的法律要求保留工時
erasure-left = 已從主機移除，尚待處理：{ $left }

right-answered = 已答覆
right-overdue = 已逾期，期限為 { $due }
right-owed = 須於 { $due } 前答覆
right-line = { $number } { $person } { $right }，依據 { $law }：{ $state }

person-records = 過去一年的記錄
told-policy-good = 政策沒有問題
told-in-all = 總計：{ $direction }
told-warning = 警告

import-unread = 無法讀取 { $file }：{ $why }
import-nothing = { $file }：沒有匯入任何資料；請改正以下各項後再匯入：
import-more = 另有 { $count } 項
import-encoding-wrong = 檔案不是 { $encoding } 編碼；請用 --encoding 指定其他編碼，或存成 UTF-8
import-no-text = 檔案不是文字；請存成 UTF-8 的 CSV
import-encoding-two = 檔案可能是 GB18030 或 Big5；請用 --encoding 指定
import-encoding-unknown = 檔案不是 UTF-8、GB18030 或 Big5；請存成 UTF-8 的 CSV
import-no-table = 檔案不是 CSV 表格；請存成 UTF-8 的 CSV
import-column-unknown = 不認識的欄位 { $column }；可用的欄位有 { $known }
import-column-twice = 欄位 { $column } 出現兩次
import-column-missing = 缺少欄位 { $column }；必須有 person 和 name
import-cells = 第 { $line } 行：儲存格數目須與欄位相同
import-number = 第 { $line } 行：person：須為 1 至 48 個字元，不含控制字元
import-same = 第 { $line } 行：person：與第 { $first } 行相同；每人一行
import-too-many = 超過 { $max } 行；請分成多個檔案
import-name = 第 { $line } 行：name：缺少姓名
import-long = 第 { $line } 行：{ $column }：最多 { $max } 個字元
import-word = 第 { $line } 行：{ $column }：須為 { $words } 之一，或留空
import-laws = 第 { $line } 行：employment_law：最多 { $max } 個代碼
import-law = 第 { $line } 行：employment_law：須為 MO、CN 之類的代碼

doctor-ok = 正常
doctor-warning = 注意
doctor-broken = 故障
doctor-count = { $ok } 項正常，{ $warnings } 項須留意，{ $broken } 項故障

status-site = 場所
status-gateway = 網關
status-running = 運行中
status-stopped = 沒有運行
status-journal = 日誌
status-records = { $state }，{ $count } 筆記錄
status-policy = 政策
status-no-policy = 沒有：一切等候
status-holds = 一概不送出：{ $code }
status-refused = 不獲接納：{ $why }
status-next = { $policy } 到期接替
status-stop = 僅限本地
status-stopped-by = 由 { $by } 開啟：一概不送出
status-ends = 即將到期
status-ended = 已到期
status-waiting = 尚未送出
status-held = { $count } 筆等候：{ $code }
status-destination = 目的地
status-sent = { $name }：等候 { $backlog }，准許 { $permitted } 中已送 { $settled }，無法送達 { $undeliverable }
status-paused = ，已暫停：{ $why }
status-alarm = 警報
status-alarm-told = { $device }：{ $cause }（{ $count } 次）
status-nobody = 未知的裝置
status-need = 須處理
status-set-aside = 已擱置 { $count } 筆
