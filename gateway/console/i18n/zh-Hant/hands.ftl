## 頁面請主機做的事：全面檢查、在終端機登記、再次索取。

doctor-title = 全面檢查
doctor-lead = 與「muster doctor」相同：逐項檢查，附原因與解決方法。
doctor-examine = 立即檢查一切
doctor-running = 正在檢查一切，已用 { $shown } 秒。
doctor-none = 自主機啟動以來尚未檢查。
doctor-none-next = 「立即檢查一切」會讀取整份日誌並詢問各地區；期間照常接收打卡。
doctor-runbook = 操作手冊

enrol-title = 登記
enrol-lead = 只有在已告知、具備生物特徵的法律依據並記錄年齡後，才可採集指紋。PIN 或卡片始終可選。
enrol-who = 為誰登記？
enrol-look = 查看記錄
enrol-how = 方式與地點
enrol-on-record = 已記錄
enrol-missing = 缺少
enrol-notice = 已告知當事人
enrol-notice-next = 先將告知書交予當事人，再記錄：「muster notice give」。
enrol-basis = 生物特徵的法律依據（與考勤的依據分開）
enrol-basis-next = 當事人本人的同意或已存檔的文件：由資料保護主任記錄。
enrol-age = 年齡
enrol-age-next = 由人事部在名冊中填寫年齡組別。
enrol-page-label = 指紋在終端機中的位置
enrol-finger = 採集指紋
enrol-finger-hint = 終端機會要求按兩次手指。
enrol-pin = 在終端機設定 PIN
enrol-pin-hint = 設定 PIN 時，當事人在終端機輸入編號、#、PIN 和 #。持卡者無需登記：由人事部對應其卡號。
enrol-not-on-record = 不可採集指紋：缺少上方標示的項目。未向終端機發出任何要求。
enrol-no-terminal = 此終端機不接受任務。請從清單中選擇；未向它發出任何要求。
enrol-no-m1 = 這裡沒有已配對的 M1。
enrol-no-m1-next = 請先配對一台；其他終端機自行登記人員。
enrol-page = 請填寫終端機存放指紋的位置：0 至 65535 的數字。未向它發出任何要求。
enrol-busy = 主機正在處理此類工作。請等待其中一項完成；尚未開始任何工作。
enrol-jobs = 進行中與已完成
enrol-none = 自主機啟動以來尚未登記任何人。
enrol-none-next = 在上方輸入編號以查看記錄。
enrol-running = 進行中
enrol-running-next = 當事人現在應在終端機前。
enrol-done = 完成
enrol-refused = 未完成

gap-again = 再次索取
gap-asked = 已於 { $time } 再次索取：它會送出所有保存的記錄。

journal-title = 日誌
journal-lead = 每項管理操作均如實記錄；無人能暗中修改。
journal-running = 正從頭讀取日誌；期間照常接收打卡。
journal-all = 全部
journal-look = 查詢
journal-fresh = 尚未查詢任何內容。
journal-fresh-next = 請選擇日期、操作類別及操作者。
journal-batch = 批次
journal-says = 內容
journal-open = 顯示
journal-found = { $n ->
    [0] 沒有符合的項目。
   *[other] { $shown } 項操作。
 }
journal-newest = { $shown } 項操作；只顯示最新 300 項。請縮短日期範圍以查看其餘。
journal-days = 開始日期須早於結束日期。未進行查詢。
journal-check = 是否完整？
journal-check-lead = 主機會讀取每個批次及其鏈。如不信任主機，可另行驗證審計包：
journal-key = 此主機的公鑰
journal-check-button = 檢查整份日誌
journal-whole = 完整
journal-damaged = 受損
journal-unchecked = 未檢查
journal-whole-told = { $batches } 個批次，{ $records } 筆記錄，{ $time }
journal-accounts = 帳戶與存取
journal-policy = 政策與決定
journal-rights = 人員及其權利
journal-devices = 終端機
journal-plans = 計劃與更正
journal-exports = 離開場地的資料
journal-box = 主機本身

pair-title = 配對與更換
pair-lead = 終端機在現場以一次性代碼加入；無人需要攜帶密鑰。
pair-made = 在終端機掃描圖片，或輸入旁邊的內容，並核對終端機顯示的指紋碼。代碼只在此刻顯示；
pair-minutes = 在 { $shown } 分鐘內只能使用一次。
pair-picture = 終端機用的 QR 碼
pair-address = 主機
pair-fingerprint = 指紋碼
pair-link = 全部合一
pair-new = 新終端機
pair-kind = 型號
pair-carrier = 經由
pair-host = 終端機連接主機所用的位址（留空：使用主機自知的位址）
pair-m1 = M1 沒有相應畫面，須以卡配對：
pair-closed = 此處未開啟供持證書終端機使用的接收口：請在設定中設 [mqtt] listen 並重新啟動。
pair-list = 已配對的終端機
pair-replace = 更換終端機時，先在此停用舊機，再於上方配對新機。舊機已送出的資料保留；未先讀出的留存資料會遺失。
pair-heard = 已有消息
pair-not-heard = 尚無消息
pair-revoke = 停用
pair-name-rule = 名稱須為 1 至 64 個字元，不得含 / + #。
pair-nothing = 未配對任何終端機，亦未停用任何終端機。
