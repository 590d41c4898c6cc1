## O aparelho do responsável pela evacuação e a página do próprio trabalhador: quem entra sem conta.

onsite-title = Vistos por último no local
onsite-doubt-set-aside = A última picagem foi posta de parte: não se sabe onde está.
onsite-box-silent = ainda não disse nada
warden-safe-by = { $name }, { $time }
warden-away = A caixa não responde. Esta é a última cópia; o que marcar fica neste aparelho e é comunicado à caixa quando ela voltar.
warden-done = Confirmados a salvo:
warden-no-copy = Este aparelho não confia no certificado da caixa e por isso não guarda cópia para quando ela estiver desligada. Instale o certificado, ou deixe esta página aberta.
warden-gone = A cópia neste aparelho era demasiado antiga e foi apagada. Na caixa nada se perdeu: abra de novo esta página quando a caixa responder.
warden-door-title = Aparelho de evacuação
warden-door-lead = Este aparelho mostrará quem foi visto por último no local, e fica com a sessão aberta só para isso. Não abre portas nem altera nada.
warden-door-hint = Os serviços de instalações criam o código na página da caixa, em «Vistos por último no local». Serve uma vez.
warden-door-button = Registar este aparelho
warden-door-wrong = Este código não serve, já foi usado ou caducou. Peça outro aos serviços de instalações; nada foi alterado.

wardens-title = Aparelhos de evacuação
wardens-lead = Tablets e telefones que mostram quem foi visto por último no local, também com a caixa desligada.
wardens-none = Nenhum aparelho registado.
wardens-none-next = Dê um nome em baixo; depois abra o endereço nesse aparelho e introduza o código.
warden-device = Aparelho
warden-enrolled = registado
warden-invited = espera pelo código
warden-code-over = código caducado
warden-over = registo caducado
warden-told = Por { $by }, { $at }; até { $until }.
warden-end = Terminar
warden-add = Registar um aparelho
warden-add-button = Criar código
warden-made-lead = { $n ->
    [one] Abra o endereço no aparelho e introduza o código dentro de um minuto. Só é mostrado agora.
   *[other] Abra o endereço no aparelho e introduza o código dentro de { $shown } minutos. Só é mostrado agora.
 }
warden-exists = Há um aparelho registado com este nome. Termine-o primeiro, ou escolha outro nome.
warden-full = Há tantos aparelhos quantos a caixa aceita. Termine um que não seja usado.

code-where = Abra
code-picture = Código QR: o endereço com o código
one-time-code = Código

nav-own = As minhas picagens
own-door-lead = Veja as suas picagens e o seu mês, e peça uma correção.
own-number = Número nos terminais
own-pin = PIN desta página
own-first = Primeira vez, ou PIN esquecido
own-first-lead = Os recursos humanos dão-lhe um código; com ele escolhe um PIN.
own-door-wrong = Número e PIN não coincidem. Tente de novo, ou peça um código novo aos recursos humanos.
own-code-wrong = Este código não serve, já foi usado ou caducou. Peça outro aos recursos humanos.
own-pin-title = Escolha um PIN
own-pin-again = O mesmo PIN outra vez
own-pin-digits = 6 a 12 algarismos.
own-pin-not-terminal = Não o PIN que usa num terminal.
own-pin-plain = Este PIN adivinha-se facilmente: sem sequências, sem repetições, sem o seu número.
own-pin-differs = Os dois não são iguais. Nada foi alterado; introduza-os de novo.
own-today = Hoje
own-lead = Abra um dia para ver cada picagem, o que foi feito dela, e pedir uma correção.
own-empty-next = Se esteve cá, peça uma correção em baixo.
own-ask-hint = O que foi registado fica como está. Os recursos humanos decidem, e a resposta aparece aqui.
own-asked = Correções pedidas
own-too-many = Há demasiadas correções suas à espera de resposta. Fale com os recursos humanos; nada foi alterado.
own-nobody = Esta conta não está ligada a ninguém do diretório.
own-nobody-next = Peça a um administrador: «muster user add» aceita o número da pessoa. Ou entre com um código dos recursos humanos, em /own/login.
own-access-by = Acesso a esta página dado por { $name }, { $time }. Se não foi para si, avise os recursos humanos.
kiosk-lead = Esta página termina a sessão por si.
kiosk-warning = Se não tocar na página, a sessão termina dentro destes segundos:

tab-access = Acesso dos trabalhadores
access-title = Acesso dos trabalhadores
access-lead = Cada trabalhador vê as suas picagens e o seu mês, e mais ninguém.
access-count = { $n ->
    [0] Ainda ninguém tem acesso.
    [one] Uma pessoa tem acesso.
   *[other] { $shown } pessoas têm acesso.
 }
access-give = Entregar um código
access-give-button = Criar código
access-end-button = Terminar acesso
access-hint = Um código ou PIN anterior deixa logo de servir. Não decide sobre correções pedidas através de um código seu: decide outra pessoa.
access-made-lead = { $n ->
    [one] Entregue-o em pessoa: serve uma vez, durante um dia. Só é mostrado agora.
   *[other] Entregue-o em pessoa: serve uma vez, durante { $shown } dias. Só é mostrado agora.
 }
access-none = Esta pessoa não tem acesso. Nada foi alterado.
access-full = Há tantas pessoas com acesso quantas a caixa aceita. Termine o de quem saiu.
correction-by-self = a própria pessoa (código de { $name })
