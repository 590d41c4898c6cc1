## 二次验证、账号、须再次提交的表单。

waived = 演示环境：此处登录无需二次验证。切勿存放真实数据。

code-title = 二次验证
code-lead = 请输入身份验证器为主机显示的六位数字，也可输入恢复码。
code-label = 验证码
code-clock = 主机时间为 { $time }。如果验证码一直不对，请与手机时间核对。
code-wrong = 验证码不对或已经用过。请等下一个验证码再试。
code-too-many = 尝试次数过多。请等 15 分钟；没有任何更改。

factor-title = 设置二次验证
factor-lead = 你的账号可以作更改，因此仅凭密码不能打开。
factor-scan = 用手机上的身份验证器扫描此图。
factor-picture = 供身份验证器使用的二维码
factor-type = 或在身份验证器中输入此密钥：
factor-confirm = 请输入身份验证器现在显示的六位数字。
factor-button = 继续

recovery-title = 保存恢复码
recovery-lead = 手机丢失时，每个恢复码可登录一次。恢复码只显示这一次：请打印或抄下，和钥匙一起保管。
recovery-on = 我已保存

again-title = 还有一步
again-code = 此操作需要二次验证。请输入身份验证器的验证码；目前还没有任何更改。
again-send = 打开该页面之后你已重新登录。没有任何更改，已填写的内容仍然保留；如仍需要，请再次提交。
again-log-in = 登录已过期。没有任何更改，已填写的内容仍然保留：请在另一个标签页登录，然后再次提交。
again-log-in-link = 登录（新标签页）
again-button = 提交

own-title = 我的账号
own-person = 名册中的人员：
own-new = 此账号创建未满一天，还不能批准他人的请求。
own-password = 修改密码
own-current = 当前密码
own-password-button = 修改
own-wrong = 当前密码不正确。没有任何更改。
own-recovery = 恢复码
own-recovery-left = 还剩 { $shown } 个恢复码。
own-recovery-button = 生成新的恢复码

nav-accounts = 账号
accounts-lead = 谁可以登录，以及可以做什么。
col-roles = 角色
col-departments = 部门
col-change = 更改
departments-all = 全部
departments-rule = 供人事部使用：每行一个，写法与名册相同。留空即全部。
account-active = 使用中
account-new = 尚未登录
account-disabled = 已停用
account-factor = 二次验证
account-disable = 停用
account-enable = 启用
account-code = 新的一次性代码
account-add = 添加账号
account-add-button = 添加
account-made = 一次性代码
account-made-lead = 请当面交给 { $name }：可打开账号一次，用来设置密码。只显示这一次。
account-name-rule = 1 到 64 个字符：英文字母、数字、点、连字符、下划线。
account-exists = 已有同名账号，请换一个名称。
account-no-role = 请选择角色：没有角色的账号打不开任何页面。
account-too-much = 内容过长，或账号过多。没有任何更改。
account-two-people = 政策发布后，此事须由两人决定。请在主机上执行“muster user add”或“muster user reset”并加上“--key”，再由另一人执行“muster approve”。没有任何更改。

role-facilities = 设施管理
role-hr = 人事
role-employee = 员工
role-it-admin = 系统管理员
role-security = 安保
role-dpo = 数据保护负责人
role-dpo-deputy = 数据保护副负责人
role-works-council = 职工代表会
role-auditor = 审计员

again-file = 请再次选择文件：页面无法保留文件
