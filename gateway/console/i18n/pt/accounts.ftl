## Segundo fator, contas, formulários que se enviam outra vez.

waived = Demonstração: aqui entra-se sem segundo fator. Nunca guarde dados reais nela.

code-title = Segundo fator
code-lead = Escreva os seis algarismos que a aplicação de autenticação mostra para esta caixa. Um código de recuperação também serve.
code-label = Código
code-clock = O relógio da caixa marca { $time }. Se os códigos nunca servirem, compare-o com o do telemóvel.
code-wrong = Este código não serve, ou já foi usado. Espere pelo seguinte e tente de novo.
code-too-many = Demasiadas tentativas. Espere quinze minutos; nada foi alterado.

factor-title = Configure o segundo fator
factor-lead = A sua conta pode alterar coisas, por isso uma palavra-passe só não a abre.
factor-scan = Leia esta imagem com uma aplicação de autenticação no telemóvel.
factor-picture = Código QR para a aplicação de autenticação
factor-type = Ou escreva esta chave na aplicação:
factor-confirm = Escreva os seis algarismos que a aplicação mostra agora.
factor-button = Continuar

recovery-title = Guarde os códigos de recuperação
recovery-lead = Se perder o telemóvel, cada um abre a conta uma vez. Só são mostrados agora: imprima-os ou copie-os à mão, e guarde-os onde guarda as chaves.
recovery-on = Já os guardei

again-title = Mais um passo
again-code = O que vai fazer exige o segundo fator. Escreva o código da aplicação de autenticação; ainda nada foi alterado.
again-send = Entrou de novo depois de a página ter sido feita. Nada foi alterado e o que escreveu está guardado: envie outra vez, se ainda quiser.
again-log-in = A sua sessão terminou. Nada foi alterado e o que escreveu está guardado: entre ao lado desta página e envie outra vez.
again-log-in-link = Entrar (novo separador)
again-button = Enviar

own-title = A sua conta
own-person = No diretório:
own-new = Esta conta tem menos de um dia: ainda não pode aprovar o que outra pessoa pediu.
own-password = Mudar a palavra-passe
own-current = Palavra-passe atual
own-password-button = Mudar
own-wrong = A palavra-passe atual não está certa. Nada foi alterado.
own-recovery = Códigos de recuperação
own-recovery-left = { $n ->
    [one] Resta um código de recuperação.
   *[other] Restam { $shown } códigos de recuperação.
 }
own-recovery-button = Criar novos códigos

nav-accounts = Contas
accounts-lead = Quem pode entrar, e o que pode fazer.
col-roles = Funções
col-departments = Departamentos
col-change = Alterar
departments-all = Todos
departments-rule = Para os RH: um por linha, como o diretório os escreve. Vazio são todos.
account-active = ativa
account-new = ainda não entrou
account-disabled = desativada
account-factor = segundo fator
account-disable = Desativar
account-enable = Ativar
account-code = Novo código de uso único
account-add = Criar uma conta
account-add-button = Criar
account-made = Código de uso único
account-made-lead = Dê-o pessoalmente a { $name }: abre a conta uma vez, para escolher a palavra-passe. Só é mostrado agora.
account-name-rule = 1 a 64 caracteres: letras, algarismos, ponto, hífen, traço inferior.
account-exists = Já há uma conta com este nome. Escolha outro.
account-no-role = Escolha uma função: sem ela uma conta não abre nada.
account-too-much = Demasiado longo, ou demasiadas contas. Nada foi alterado.
account-two-people = Depois de publicada uma política, isto é decidido por duas pessoas. Na caixa: «muster user add» ou «muster user reset» com «--key», e depois a outra «muster approve». Nada foi alterado.

role-facilities = instalações
role-hr = recursos humanos
role-employee = trabalhador
role-it-admin = administrador
role-security = segurança
role-dpo = encarregado da proteção de dados
role-dpo-deputy = substituto do encarregado da proteção de dados
role-works-council = comissão de trabalhadores
role-auditor = auditor

again-file = Escolha de novo o ficheiro: nenhuma página o pode guardar
