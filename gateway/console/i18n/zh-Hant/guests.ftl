## 疏散負責人的裝置，以及員工自己的頁面：不用帳戶進入的人。

onsite-title = 最後在場名單
onsite-doubt-set-aside = 最後一次打卡已擱置：未知其所在。
onsite-box-silent = 尚未有消息
warden-safe-by = { $name }，{ $time }
warden-away = 無法連接主機。這是最後的副本；你的勾選會保留在此裝置上，待主機恢復後再傳送。
warden-done = 已確認安全：
warden-no-copy = 此裝置不信任主機的證書，因此主機關閉時不會保留副本。請在裝置上安裝證書，或保持此頁開啟。
warden-gone = 此裝置上的副本已過舊並已刪除。主機上沒有遺失任何資料：待主機可連線時再開啟此頁。
warden-door-title = 疏散負責人裝置
warden-door-lead = 此裝置將顯示最後在場的人，並僅為此保持登入。它不會開門，也不會更改任何資料。
warden-door-hint = 設施部在主機頁面的「最後在場名單」中產生代碼，只能使用一次。
warden-door-button = 登記此裝置
warden-door-wrong = 代碼不符、已使用或已過期。請向設施部索取新代碼；沒有任何更改。

wardens-title = 疏散負責人裝置
wardens-lead = 顯示最後在場者的平板與手機，主機關閉時亦可使用。
wardens-none = 尚未登記任何裝置。
wardens-none-next = 在下方為裝置命名，然後在該裝置上開啟網址並輸入代碼。
warden-device = 裝置
warden-enrolled = 已登記
warden-invited = 等待輸入代碼
warden-code-over = 代碼已過期
warden-over = 登記已到期
warden-told = 由 { $by } 於 { $at } 設定；有效至 { $until }。
warden-end = 終止
warden-add = 登記裝置
warden-add-button = 產生代碼
warden-made-lead = 在 { $shown } 分鐘內於裝置上開啟網址並輸入代碼。代碼只在此刻顯示。
warden-exists = 已有同名裝置登記。請先終止它，或改用其他名稱。
warden-full = 裝置數目已達上限。請終止不再使用的裝置。

code-where = 開啟
code-picture = QR 碼：附代碼的網址
one-time-code = 代碼

nav-own = 我的打卡
own-door-lead = 查看自己的打卡與當月記錄，並可申請更正。
own-number = 考勤機上的編號
own-pin = 本頁的 PIN
own-first = 首次使用或忘記 PIN
own-first-lead = 人事部會給你代碼，用它來設定 PIN。
own-door-wrong = 編號與 PIN 不符。請再試，或向人事部索取新代碼。
own-code-wrong = 代碼不符、已使用或已過期。請向人事部索取新代碼。
own-pin-title = 設定 PIN
own-pin-again = 再次輸入 PIN
own-pin-digits = 6 至 12 位數字。
own-pin-not-terminal = 請勿與考勤機的 PIN 相同。
own-pin-plain = 此 PIN 太容易猜：不可連號、重複或與你的編號相同。
own-pin-differs = 兩次輸入不同。沒有任何更改，請重新輸入。
own-today = 今天
own-lead = 打開某一天，可查看每次打卡及其處理情況，並申請更正。
own-empty-next = 如你當日在場，請在下方申請更正。
own-ask-hint = 原始記錄不會改變。由人事部決定，結果會顯示在這裏。
own-asked = 已申請的更正
own-too-many = 你有太多更正尚待答覆。請聯絡人事部；沒有任何更改。
own-nobody = 此帳戶未與名冊中的任何人連結。
own-nobody-next = 請聯絡系統管理員：「muster user add」可指定人員編號。或用人事部給的代碼從 /own/login 進入。
own-access-by = 查閱權由 { $name } 於 { $time } 發出。如並非交給你本人，請告知人事部。
kiosk-lead = 此頁會自動登出。
kiosk-warning = 如不觸碰頁面，登出前尚餘秒數：

tab-access = 員工查閱
access-title = 員工查閱
access-lead = 員工只能看到自己的打卡與當月記錄，看不到他人的。
access-count = { $n ->
    [0] 尚未有人開通。
   *[other] 已有 { $shown } 人開通。
 }
access-give = 發出代碼
access-give-button = 產生代碼
access-end-button = 終止查閱
access-hint = 舊代碼或 PIN 會立即失效。員工以你發出的代碼提出的更正，須由另一人決定。
access-made-lead = 請當面交給本人：只能使用一次，{ $shown } 天內有效。代碼只在此刻顯示。
access-none = 此人尚未開通查閱。沒有任何更改。
access-full = 可查閱的人數已達上限。請終止已離職者的查閱。
correction-by-self = 本人（代碼由 { $name } 發出）
