# Todos os textos da página, em português.

## Em todas as páginas
skip = Saltar para a página
site = Local
nav-label = Páginas
nav-today = Hoje
nav-terminals = Terminais
nav-waiting = Por enviar
nav-health = Estado
nav-reports = Relatórios
explain-title = Porque segue ou espera este registo
explain-frees = Os menores conjuntos de coisas que o libertariam
explain-damaged = A decisão já não pode ser lida, por isso o registo espera.
reports-intro = O que um auditor ou uma autoridade pede, com os mesmos números da linha de comandos.
reports-key-title = A chave da caixa
reports-key = Os ficheiros assinados desta caixa verificam-se com muster-verify e esta chave pública. Obtenha a chave aqui e não no sítio de onde veio o ficheiro.
report-from = De
report-to = A
report-show = Mostrar
report-take = Exportar como { $form }
report-nothing = Nada nestes dias.
report-more = Há mais linhas; os ficheiros têm-nas todas.
language-label = Língua
log-out = Sair
foot = Servido pela caixa deste local. Funciona mesmo com todas as nuvens em baixo.

## Entrar e sair
login-title = Entrar
login-lead = A assiduidade deste local, guardada neste local.
login-name = Nome de utilizador
login-password = Palavra-passe ou código de uso único
login-hint = Na primeira vez, use o código de uso único que lhe deram.
login-button = Entrar
login-own = Trabalhador? Veja as suas picagens
login-wrong = O nome de utilizador e a palavra-passe não condizem. Um código de uso único serve uma vez; se saiu antes de escolher a palavra-passe, volta a servir passados 15 minutos.
login-too-many = Demasiadas tentativas com este nome. Nada fica bloqueado para sempre: tente de novo dentro de { $n ->
    [one] { $shown } minuto
   *[other] { $shown } minutos
  }.
welcome-title = Escolha a sua palavra-passe
welcome-lead = Olá, { $name }. O código de uso único acaba aqui; de agora em diante entra com uma palavra-passe sua.
welcome-password = Nova palavra-passe
welcome-again = A mesma outra vez
welcome-rule = Pelo menos { $shown } caracteres. Umas quantas palavras seguidas são seguras e fáceis de fixar.
welcome-button = Guardar e continuar
password-short = A palavra-passe é demasiado curta: tem de ter pelo menos { $shown } caracteres. Nada foi guardado.
password-long = A palavra-passe é demasiado longa: o máximo são 256 bytes. Nada foi guardado.
password-plain = A palavra-passe é fácil de adivinhar. Não use o seu nome e use mais caracteres diferentes. Nada foi guardado.
password-differs = As duas palavras-passe são diferentes. Nada foi guardado; escreva-as de novo.
nothing-title = Ainda não há aqui nada para si
nothing-next = A sua conta não tem uma função que abra páginas. Peça uma a quem gere as contas.

## O que corre mal
problem-missing = Esta página não existe
problem-missing-next = O endereço pode ser antigo, ou a página não faz parte do seu trabalho. Nada foi alterado.
problem-stale = Este formulário é demasiado antigo
problem-stale-next = Foi aberto antes de entrar ou sair, ou noutro endereço. Nada foi alterado: volte atrás, carregue a página de novo e repita o passo.
problem-form = Não é possível ler este formulário
problem-form-next = Estava danificado ou era demasiado grande. Nada foi alterado: volte atrás e tente de novo.
problem-large = Este formulário é demasiado grande
problem-large-next = Tem mais de { $most } KiB, o máximo aceite de cada vez. Nada foi alterado: volte atrás e traga-o em vários ficheiros mais pequenos.
problem-rebuilding = As listas estão a ser refeitas
problem-rebuilding-next = Nenhuma picagem se perde e, entretanto, as novas são aceites. Esta página tenta de novo sozinha.
problem-views = De momento não é possível ler as listas
problem-views-next = Nenhuma picagem se perde: a caixa põe de parte as listas danificadas e refá-las a partir do diário. Tente de novo daqui a um minuto.
problem-busy = Demasiados pedidos ao mesmo tempo
problem-busy-next = Nada foi alterado e as picagens são aceites como sempre. Tente de novo daqui a pouco.
problem-not-saved = Não foi guardado
problem-not-saved-next = A caixa não conseguiu escrever no disco. O que havia antes continua válido. Veja a página Estado e tente de novo.
problem-internal = Algo correu mal
problem-internal-next = Nada se perdeu. Tente de novo; se continuar, veja o registo de eventos da caixa.
problem-back = Continuar
problem-host = Esta caixa não conhece o endereço que usou. Abra-a pelo endereço próprio, ou junte o nome à secção console da configuração.
api-log-in = Entre primeiro.

## Números e horas
date-long = { $weekday }, { $day } de { $month } de { $year }
date-short = { $date }
stamp = { $date } { $time }
since = desde { $time }
as-of = às { $time }
printed = Impresso: { $time }
age-now = agora mesmo
age-minutes = há { $shown } min
age-hours = há { $shown } h
age-days = { $n ->
    [one] há { $shown } dia
   *[other] há { $shown } dias
  }
weekday-1 = segunda-feira
weekday-2 = terça-feira
weekday-3 = quarta-feira
weekday-4 = quinta-feira
weekday-5 = sexta-feira
weekday-6 = sábado
weekday-7 = domingo
month-1 = janeiro
month-2 = fevereiro
month-3 = março
month-4 = abril
month-5 = maio
month-6 = junho
month-7 = julho
month-8 = agosto
month-9 = setembro
month-10 = outubro
month-11 = novembro
month-12 = dezembro

## Colunas
col-person = Pessoa
col-presence = Agora
col-due = Hora prevista
col-last = Última picagem
col-first = Primeira
col-punches = Picagens
col-terminal = Terminal
col-sending = Envio
col-time = Hora
col-method = Método
col-way = Sentido
col-number = N.º
col-state = Estado
col-seen = Último sinal
col-records = Registos
col-refused = Recusados
col-advice = O que fazer
col-why = Porquê
col-cure = O que o libertaria
cure-lead = O que o libertaria:
col-oldest = Mais antigo
col-waits = Espera desde
col-destination = Destino
col-backlog = Em espera
col-settled = Enviados
col-rejected = Rejeitados
col-last-sent = Último envio
col-messages = Mensagens

## Pessoas
person-unnamed = Número { $number }
person-erased = Pessoa apagada
person-nobody = Desconhecido
presence-in = Dentro
presence-probably-in = Provavelmente dentro
presence-out = Fora
presence-probably-out = Provavelmente fora
presence-refused = Recusa
late-due = Atraso: previsto { $time }
way-in = Entrada
way-out = Saída
way-refused = Recusa
way-repeat = Repetida
way-set-aside = Posta de parte
way-none = –
method-fingerprint = Impressão digital
method-face = Rosto
method-card = Cartão
method-pin = PIN
method-palm = Palma
method-other = Outro
note-box-time = Hora da caixa: o terminal não tinha a certeza da sua
note-late = Chegou tarde, às { $time }
note-derived = Pela ordem: o terminal não disse o sentido

## Hoje
live-on = Em direto
live-off = Sem atualização
live-still = À hora de abrir
count-in = Dentro agora
count-missing = Ainda não chegaram
count-late = Atrasados
count-seen = Vistos hoje
count-refused = Recusas
count-waiting = Por enviar
pulse-title = Picagens por meia hora
pulse-total = Hoje:
pulse-peak = Máximo:
pulse-table = Em tabela
pulse-hour = Hora
pulse-punches = Picagens
show-label = Mostrar
show-all = Todos
show-in = Dentro
show-missing = Ainda não chegaram
show-late = Atrasados
show-out = Fora
show-waiting = Por enviar
show-refused = Recusas
search-label = Nome, número, departamento
search-button = Procurar
search-found = { $n ->
    [one] { $shown } pessoa encontrada
   *[other] { $shown } pessoas encontradas
  }
search-none = Ninguém corresponde
search-none-next = Só se procuram pessoas vistas hoje. Tente parte do nome, ou o número no terminal.
empty-today = Hoje ainda ninguém picou
empty-today-next = A primeira picagem aparece aqui em dois segundos. Se alguém já picou, veja Terminais.
empty-in = Não está ninguém dentro
empty-in-next = Quem picar à entrada aparece aqui em dois segundos.
empty-missing = Todos os que já deviam ter chegado foram vistos
empty-missing-next = Quem não picou alguns minutos depois do início do turno aparece aqui. Não é uma falta: um terminal pode ainda ter a sua picagem.
empty-late = Hoje ninguém chegou atrasado
empty-late-next = Quem chega mais tarde do que o turno permite aparece aqui em dois segundos.
empty-out = Ainda ninguém saiu
empty-out-next = Quem picar à saída aparece aqui em dois segundos.
empty-waiting = Os registos de hoje já foram todos enviados ou vão a caminho
empty-waiting-next = Os registos que não podem sair do local aparecem aqui, com a razão.
empty-refused = Hoje nenhum terminal recusou ninguém
empty-refused-next = Dedos, rostos e cartões desconhecidos aparecem aqui, com o terminal e a hora.
waiting-records = { $n ->
    [one] { $shown } registo
   *[other] { $shown } registos
  }
pages-label = Mais linhas
page-first = Do início

## O dia de uma pessoa
day-title = Picagens do dia
day-label = Dia
day-previous = Dia anterior
day-next = Dia seguinte
day-first = Primeira picagem
day-last = Última picagem
day-strip = Picagens ao longo do dia, da meia-noite à meia-noite; a tabela em baixo enumera-as
day-more = e mais { $shown } neste dia; muster records mostra-as todas
empty-day = Nenhuma picagem neste dia
empty-day-next = Se devia haver, veja em Terminais se todos deram sinal desde então.

## Envio
state-held = Por enviar
state-queued = A caminho
state-settled = Enviado
state-dropped = Fica aqui
state-quarantined = Precisa de si

## Terminais
terminals-lead = Quando cada um deu sinal pela última vez, e o que fazer.
terminals-green = { $n ->
    [one] { $shown } bem
   *[other] { $shown } bem
  }
terminals-amber = { $n ->
    [one] { $shown } a verificar
   *[other] { $shown } a verificar
  }
terminals-red = { $n ->
    [one] { $shown } sem sinal
   *[other] { $shown } sem sinal
  }
terminals-more = { $n ->
    [one] e mais { $shown }; muster device list mostra todos
   *[other] e mais { $shown }; muster device list mostra todos
  }
terminal-unknown = Terminal desconhecido
terminal-through = através de { $name }
never-seen = nunca
empty-terminals = Ainda não há terminais
empty-terminals-next = Emparelhe o primeiro na caixa:
light-green = Bem
light-amber = A verificar
light-red = Sem sinal
light-off = Excluído
kind-m1 = M1, série
kind-m2 = M2, rede
kind-c1 = C1, centro de comunicações
kind-reader = Leitor
kind-unpaired = Não emparelhado
advice-none = Nada a fazer.
advice-refused = Nada por agora. Algumas mensagens dele foram recusadas; as razões estão em Estado.
advice-quiet = Sem sinal há um quarto de hora ou mais. Se alguém pica ali, veja a alimentação e o cabo.
advice-silent = Sem sinal há um dia ou mais. Veja a alimentação, o cabo e a rede no terminal; ele guarda as picagens e envia-as quando voltar.
advice-never = Nunca deu sinal desde que foi emparelhado. Introduza as credenciais no terminal e verifique o cabo.
advice-unpaired = Participa sem credenciais, na própria caixa. Emparelhe-o com muster device pair, ou retire-o.
advice-revoked = Já nada se aceita dele.

## Por enviar
waiting-lead = Registos que por agora ficam na caixa. Nenhum se perde e nenhum vai para outro lado.
waiting-total = registos por enviar
reasons-title = Por razão
reasons-several = Um registo pode esperar por várias razões ao mesmo tempo, e conta em cada uma.
destinations-title = Destinos
empty-held = Nada está por enviar
empty-held-next = Os registos que nenhuma regra deixa sair aparecem aqui, com a razão e o que os libertaria.
empty-destinations = Ainda não há destinos
empty-destinations-next = Os destinos vêm com uma política assinada. Até lá, as picagens são aceites e guardadas aqui.
empty-reason = Já nada espera por esta razão
empty-reason-next = Foi libertado, ou é de departamentos que não são seus.
destination-clear = Em dia
destination-sending = A enviar
destination-down = Não responde desde { $since }
destination-wrong = Região errada desde { $since }
destination-tenant = Responde outro inquilino desde { $since }
destination-quota = Chamadas esgotadas desde { $since }
proof-contract = região por contrato, não verificada
proof-wire = região vista na ligação
calls-used = { $used } de { $limit } chamadas usadas este mês
never-sent = nunca
quarantined-count = { $n ->
    [one] { $shown } registo foi posto de parte.
   *[other] { $shown } registos foram postos de parte.
  }

## Razões
why-biometric = Os dados biométricos nunca saem do local
cure-biometric = Nada: ficam aqui e são destruídos no fim do prazo.
why-no-permit = Nenhuma regra da política o deixa sair
cure-no-permit = Uma política assinada que permita estes registos.
why-down = O destino não responde
cure-down = Segue sozinho assim que o destino responder; veja a causa em baixo.
why-wrong-region = Quem responde não é a região da política
cure-wrong-region = O destino tem de mostrar um certificado da região que a política indica. Avise quem o gere.
why-no-policy = Nenhuma política está em vigor
cure-no-policy = Publique uma política assinada: muster policy publish.
why-unsigned = Faltam assinaturas à política
cure-unsigned = Têm de a assinar duas pessoas em duas funções, uma delas o encarregado da proteção de dados.
why-out-of-date = A política está fora das suas datas
cure-out-of-date = Publique uma versão cujas datas abranjam hoje.
why-basis = Não há base legal registada
cure-basis = Junte a base destas pessoas ao diretório.
why-law = O pacote de leis não tem regras para uma das leis
cure-law = Publique um pacote de leis que a abranja.
why-site = O local não é um dos da política
cure-site = Junte o local à política, ou corrija o local na configuração.
why-clock = O relógio da caixa não é de confiança
cure-untrusted-clock = Ligue a caixa a um servidor de hora (NTP); os registos seguem depois sozinhos.
why-error = A decisão falhou
cure-error = Veja o registo de eventos da caixa; o registo espera até se poder decidir.
why-approval = Alguém tem de o aprovar
cure-approval = A aprovação da função que a política indica.
why-guardian = Falta o consentimento de um tutor
cure-guardian = Registe o consentimento do tutor.
why-restricted = A pessoa limitou o que se pode fazer com os seus dados
cure-restricted = Nada sai até a limitação ser levantada, o que exige dois signatários.
why-notice = O aviso que recebeu não é o que está em vigor
cure-notice = Entregue-lhe o aviso em vigor e registe-o com muster notice.
why-local-only = A paragem de emergência está ligada: nada sai
cure-local-only = Duas pessoas terminam-na, em Governação ou com muster local-only off.
why-too-old = Demasiado antigo para o destino
cure-too-old = Nada: o destino já não o aceita. Fica aqui.
why-ambiguous = Duas regras indicam dois destinos
cure-ambiguous = Corrija a política para que só uma permissão se aplique.
why-account = A classe da conta não condiz com o destino
cure-account = Corrija a classe da conta no diretório, ou a política.
why-small-group = O grupo é demasiado pequeno para ser enviado como soma
cure-small-group = Segue quando o grupo for bastante grande.
why-fact = Falta um dado: { $what }
cure-fact = Junte { $what } ao diretório ou à política.
fact-account = a classe da conta
fact-age-band = a faixa etária
fact-category = a categoria
fact-check-time = a hora da picagem
fact-class = a classe do registo
fact-department = o departamento
why-consent = Não há consentimento ({ $what })
cure-consent = O consentimento da pessoa registado, ou outra base.
why-paper = Falta um documento: { $what }
cure-paper = Arquive { $what } com muster papers add.
why-gate = Uma condição da lei não está cumprida: { $what }
cure-gate = Os documentos que a lei pede; muster policy explain indica-os.
why-limit = Foi atingido um limite anual: { $what }
cure-limit = Uma aprovação, ou o mecanismo que a lei pede acima do limite.
why-own-rule = Retém-no uma regra da política do próprio local
cure-own-rule = Veja a regra na política; muster policy explain indica-a.

## Estado
health-policy = Política em vigor:
policy-none = nenhuma
verdict-ok = Está tudo bem
verdict-degraded = Há algo a verificar
verdict-failing = As picagens podem não ser aceites
health-ok = Bem
health-degraded = A verificar
health-failing = Avariado
checks-title = Verificações
what-to-do = O que fazer:
check-journal = Diário
check-views = Listas
check-policy = Política
check-quarantine = Registos postos de parte
check-disk = Disco
check-clock = Relógio
check-expiry = O que caduca em breve
check-rights = Respostas a pessoas
check-vault = Provas biométricas
check-renewal = Certificados dos terminais
check-serial = Porta série
check-broker = Servidor MQTT
check-egress = Terminais que tentam sair
check-siem = Recolha de eventos
cure-receipts = Entretanto os terminais guardam as picagens. Liberte espaço no disco ou troque-o, e reinicie a caixa.
cause-views = { $n ->
    [one] A preencher: { $shown } registo em atraso.
   *[other] A preencher: { $shown } registos em atraso.
  }
cure-lists = Nada: são refeitas a partir do diário, e nenhuma picagem se perde.
cause-quarantined = { $n ->
    [one] { $shown } registo não pôde ser apurado: o mesmo número duas vezes com conteúdo diferente, ou uma hora impossível.
   *[other] { $shown } registos não puderam ser apurados: o mesmo número duas vezes com conteúdo diferente, ou uma hora impossível.
  }
cure-quarantined = Veja-os com muster records e corrija no terminal o que está errado.
figure-records = Registos no diário
figure-receipted = Confirmados desde o arranque
figure-held = Por enviar
figure-quarantined = Postos de parte
figure-refused = Mensagens recusadas
figure-bytes = Diário no disco
refusals-title = Mensagens recusadas de vez
refusal-unknown-device = O terminal não é conhecido
refusal-wrong-device = Enviada em nome de outro terminal
refusal-revoked = O terminal foi excluído
refusal-malformed = Ilegível
refusal-oversized = Demasiado grande
refusal-not-authentic = O selo não condiz
refusal-bad-topic = Enviada para um tópico que não é o seu
refusal-bad-person = O número da pessoa não é válido
refusal-bad-time = A hora não é válida
refusal-too-sparse = Um número muito à frente do último
refusal-unknown-version = Uma versão desconhecida do protocolo
