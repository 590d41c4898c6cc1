## 页面请主机做的事：全面检查、在终端机登记、再次索取。

doctor-title = 全面检查
doctor-lead = 与“muster doctor”相同：逐项检查，附原因与解决方法。
doctor-examine = 立即检查一切
doctor-running = 正在检查一切，已用 { $shown } 秒。
doctor-none = 自主机启动以来尚未检查。
doctor-none-next = “立即检查一切”会读取整份日志并询问各地区；期间照常接收打卡。
doctor-runbook = 操作手册

enrol-title = 登记
enrol-lead = 只有在已告知、具备生物特征的法律依据并记录年龄后，才可采集指纹。PIN 或卡片始终可选。
enrol-who = 为谁登记？
enrol-look = 查看记录
enrol-how = 方式与地点
enrol-on-record = 已记录
enrol-missing = 缺少
enrol-notice = 已告知当事人
enrol-notice-next = 先将告知书交给当事人，再记录：“muster notice give”。
enrol-basis = 生物特征的法律依据（与考勤的依据分开）
enrol-basis-next = 当事人本人的同意或已存档的文件：由数据保护官记录。
enrol-age = 年龄
enrol-age-next = 由人事部在名册中填写年龄组别。
enrol-page-label = 指纹在终端机中的位置
enrol-finger = 采集指纹
enrol-finger-hint = 终端机会要求按两次手指。
enrol-pin = 在终端机设置 PIN
enrol-pin-hint = 设置 PIN 时，当事人在终端机输入编号、#、PIN 和 #。持卡者无需登记：由人事部对应其卡号。
enrol-not-on-record = 不可采集指纹：缺少上方标示的项目。未向终端机发出任何要求。
enrol-no-terminal = 此终端机不接受任务。请从列表中选择；未向它发出任何要求。
enrol-no-m1 = 这里没有已配对的 M1。
enrol-no-m1-next = 请先配对一台；其他终端机自行登记人员。
enrol-page = 请填写终端机存放指纹的位置：0 至 65535 的数字。未向它发出任何要求。
enrol-busy = 主机正在处理此类工作。请等待其中一项完成；尚未开始任何工作。
enrol-jobs = 进行中与已完成
enrol-none = 自主机启动以来尚未登记任何人。
enrol-none-next = 在上方输入编号以查看记录。
enrol-running = 进行中
enrol-running-next = 当事人现在应在终端机前。
enrol-done = 完成
enrol-refused = 未完成

gap-again = 再次索取
gap-asked = 已于 { $time } 再次索取：它会送出所有保存的记录。

journal-title = 日志
journal-lead = 每项管理操作均如实记录；无人能暗中修改。
journal-running = 正从头读取日志；期间照常接收打卡。
journal-all = 全部
journal-look = 查询
journal-fresh = 尚未查询任何内容。
journal-fresh-next = 请选择日期、操作类别及操作者。
journal-batch = 批次
journal-says = 内容
journal-open = 显示
journal-found = { $n ->
    [0] 没有符合的项目。
   *[other] { $shown } 项操作。
 }
journal-newest = { $shown } 项操作；只显示最新 300 项。请缩短日期范围以查看其余。
journal-days = 开始日期须早于结束日期。未进行查询。
journal-check = 是否完整？
journal-check-lead = 主机会读取每个批次及其链。如不信任主机，可另行验证审计包：
journal-key = 此主机的公钥
journal-check-button = 检查整份日志
journal-whole = 完整
journal-damaged = 受损
journal-unchecked = 未检查
journal-whole-told = { $batches } 个批次，{ $records } 条记录，{ $time }
journal-accounts = 账户与访问
journal-policy = 政策与决定
journal-rights = 人员及其权利
journal-devices = 终端机
journal-plans = 计划与更正
journal-exports = 离开场地的数据
journal-box = 主机本身

pair-title = 配对与更换
pair-lead = 终端机在现场以一次性代码加入；无人需要携带密钥。
pair-made = 在终端机扫描图片，或输入旁边的内容，并核对终端机显示的指纹码。代码只在此刻显示；
pair-minutes = 在 { $shown } 分钟内只能使用一次。
pair-picture = 终端机用的二维码
pair-address = 主机
pair-fingerprint = 指纹码
pair-link = 全部合一
pair-new = 新终端机
pair-kind = 型号
pair-carrier = 经由
pair-host = 终端机连接主机所用的地址（留空：使用主机自知的地址）
pair-m1 = M1 没有相应画面，须以卡配对：
pair-closed = 此处未开启供持证书终端机使用的接收口：请在配置中设 [mqtt] listen 并重新启动。
pair-list = 已配对的终端机
pair-replace = 更换终端机时，先在此停用旧机，再于上方配对新机。旧机已送出的数据保留；未先读出的留存数据会丢失。
pair-heard = 已有消息
pair-not-heard = 尚无消息
pair-revoke = 停用
pair-name-rule = 名称须为 1 至 64 个字符，不得含 / + #。
pair-nothing = 未配对任何终端机，也未停用任何终端机。
