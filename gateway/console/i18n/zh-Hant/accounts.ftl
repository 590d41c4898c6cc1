## 第二重驗證、帳戶、須再次送出的表格。

waived = 示範環境：此處登入無須第二重驗證。切勿存放真實資料。

code-title = 第二重驗證
code-lead = 輸入驗證應用程式為此主機顯示的六位數字，或輸入一個備用碼。
code-label = 驗證碼
code-clock = 主機時間為 { $time }。如驗證碼一直不符，請與手機時間核對。
code-wrong = 驗證碼不符或已經用過。請等待下一個再試。
code-too-many = 嘗試次數過多。請等十五分鐘；沒有任何變更。

factor-title = 設定第二重驗證
factor-lead = 你的帳戶可作更改，因此單憑密碼不能開啟。
factor-scan = 用手機上的驗證應用程式掃描此圖。
factor-picture = 供驗證應用程式使用的 QR 碼
factor-type = 或在應用程式內輸入此密鑰：
factor-confirm = 輸入應用程式現時顯示的六位數字。
factor-button = 繼續

recovery-title = 保存備用碼
recovery-lead = 手機遺失時，每個備用碼可登入一次。備用碼只顯示這一次：請列印或抄下，與鎖匙一同保管。
recovery-on = 我已保存

again-title = 還有一步
again-code = 此操作須第二重驗證。請輸入驗證應用程式的驗證碼；目前尚未作任何變更。
again-send = 自該頁面開啟後你已重新登入。沒有任何變更，已輸入的內容仍然保留；如仍需要，請再次送出。
again-log-in = 登入時段已結束。沒有任何變更，已輸入的內容仍然保留：請在另一分頁登入，然後再次送出。
again-log-in-link = 登入（新分頁）
again-button = 送出

own-title = 我的帳戶
own-person = 名冊中的人員：
own-new = 此帳戶建立未滿一日，尚不能批准他人的要求。
own-password = 更改密碼
own-current = 現時密碼
own-password-button = 更改
own-wrong = 現時密碼不正確。沒有任何變更。
own-recovery = 備用碼
own-recovery-left = 尚餘 { $shown } 個備用碼。
own-recovery-button = 產生新的備用碼

nav-accounts = 帳戶
accounts-lead = 誰可登入及其權限。
col-roles = 角色
col-departments = 部門
col-change = 更改
departments-all = 全部
departments-rule = 供人事部使用：每行一個，寫法與員工名冊相同。留空即全部。
account-active = 使用中
account-new = 尚未登入
account-disabled = 已停用
account-factor = 第二重驗證
account-disable = 停用
account-enable = 啟用
account-code = 新的一次性代碼
account-add = 新增帳戶
account-add-button = 新增
account-made = 一次性代碼
account-made-lead = 請親手交給 { $name }：可開啟帳戶一次以設定密碼。只顯示這一次。
account-name-rule = 1 至 64 個字元：英文字母、數字、點、連字號、底線。
account-exists = 已有同名帳戶，請另選名稱。
account-no-role = 請選擇角色：沒有角色的帳戶不能開啟任何頁面。
account-too-much = 內容過長或帳戶過多。沒有任何變更。
account-two-people = 政策發布後，此事須由兩人決定。在主機上執行「muster user add」或「muster user reset」並加上「--key」，再由另一人執行「muster approve」。沒有任何變更。

role-facilities = 設施管理
role-hr = 人事
role-employee = 員工
role-it-admin = 系統管理員
role-security = 保安
role-dpo = 資料保護主任
role-dpo-deputy = 副資料保護主任
role-works-council = 員工代表會
role-auditor = 審計員

again-file = 請再次選擇檔案：頁面無法保留檔案
