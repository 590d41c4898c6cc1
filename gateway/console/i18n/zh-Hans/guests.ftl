## 疏散负责人的设备，以及员工自己的页面：不用账号进入的人。

onsite-title = 最后在场名单
onsite-doubt-set-aside = 最后一次打卡已搁置：所在不明。
onsite-box-silent = 尚无消息
warden-safe-by = { $name }，{ $time }
warden-away = 无法连接主机。这是最后的副本；你的勾选会保留在此设备上，待主机恢复后再传送。
warden-done = 已确认安全：
warden-no-copy = 此设备不信任主机的证书，因此主机关闭时不会保留副本。请在设备上安装证书，或让此页保持打开。
warden-gone = 此设备上的副本已过旧并已删除。主机上没有丢失任何数据：待主机可连接时再打开此页。
warden-door-title = 疏散负责人设备
warden-door-lead = 此设备将显示最后在场的人，并仅为此保持登录。它不会开门，也不会更改任何数据。
warden-door-hint = 设施部在主机页面的“最后在场名单”中生成代码，只能使用一次。
warden-door-button = 登记此设备
warden-door-wrong = 代码不符、已使用或已过期。请向设施部索取新代码；没有任何更改。

wardens-title = 疏散负责人设备
wardens-lead = 显示最后在场者的平板和手机，主机关闭时也可使用。
wardens-none = 尚未登记任何设备。
wardens-none-next = 在下方为设备命名，然后在该设备上打开网址并输入代码。
warden-device = 设备
warden-enrolled = 已登记
warden-invited = 等待输入代码
warden-code-over = 代码已过期
warden-over = 登记已到期
warden-told = 由 { $by } 于 { $at } 设置；有效至 { $until }。
warden-end = 终止
warden-add = 登记设备
warden-add-button = 生成代码
warden-made-lead = 在 { $shown } 分钟内于设备上打开网址并输入代码。代码只在此刻显示。
warden-exists = 已有同名设备登记。请先终止它，或换一个名称。
warden-full = 设备数量已达上限。请终止不再使用的设备。

code-where = 打开
code-picture = 二维码：附代码的网址
one-time-code = 代码

nav-own = 我的打卡
own-door-lead = 查看自己的打卡与当月记录，并可申请更正。
own-number = 考勤机上的编号
own-pin = 本页的 PIN
own-first = 首次使用或忘记 PIN
own-first-lead = 人事部会给你代码，用它来设置 PIN。
own-door-wrong = 编号与 PIN 不符。请再试，或向人事部索取新代码。
own-code-wrong = 代码不符、已使用或已过期。请向人事部索取新代码。
own-pin-title = 设置 PIN
own-pin-again = 再次输入 PIN
own-pin-digits = 6 至 12 位数字。
own-pin-not-terminal = 请勿与考勤机的 PIN 相同。
own-pin-plain = 此 PIN 太容易猜：不可连号、重复或与你的编号相同。
own-pin-differs = 两次输入不同。没有任何更改，请重新输入。
own-today = 今天
own-lead = 打开某一天可查看每次打卡及其处理情况，并申请更正。
own-empty-next = 如你当日在场，请在下方申请更正。
own-ask-hint = 原始记录不会改变。由人事部决定，结果会显示在这里。
own-asked = 已申请的更正
own-too-many = 你有太多更正尚待答复。请联系人事部；没有任何更改。
own-nobody = 此账号未与名册中的任何人关联。
own-nobody-next = 请联系管理员：“muster user add”可指定人员编号。或用人事部给的代码从 /own/login 进入。
own-access-by = 查看权由 { $name } 于 { $time } 发放。如果不是交给你本人的，请告知人事部。
kiosk-lead = 此页会自动退出。
kiosk-warning = 如不触碰页面，退出前剩余秒数：

tab-access = 员工查看
access-title = 员工查看
access-lead = 员工只能看到自己的打卡与当月记录，看不到他人的。
access-count = { $n ->
    [0] 还没有人开通。
   *[other] 已有 { $shown } 人开通。
 }
access-give = 发放代码
access-give-button = 生成代码
access-end-button = 终止查看
access-hint = 旧代码或 PIN 会立即失效。员工用你发放的代码提出的更正，须由另一人决定。
access-made-lead = 请当面交给本人：只能使用一次，{ $shown } 天内有效。代码只在此刻显示。
access-none = 此人尚未开通查看。没有任何更改。
access-full = 可查看的人数已达上限。请终止已离职者的查看。
correction-by-self = 本人（代码由 { $name } 发放）
