## Folhas, correções, planos, quem está no local.

nav-sheets = Folhas
nav-onsite = No local
tab-month = Mês
tab-day = Dia
tab-exceptions = A verificar
tab-corrections = Correções
tab-plans = Planos
tab-unknown = Números desconhecidos
month-title = O mês
month-year = { $month } de { $year }
month-previous = Mês anterior
month-next = Mês seguinte
pager-month = Mês
page-previous = Página anterior
page-next = Página seguinte
filter-button = Mostrar
people-count = { $n ->
    [one] Uma pessoa
   *[other] { $shown } pessoas
 }
weekday-short-1 = Seg
weekday-short-2 = Ter
weekday-short-3 = Qua
weekday-short-4 = Qui
weekday-short-5 = Sex
weekday-short-6 = Sáb
weekday-short-7 = Dom
col-date = Data
col-shift = Turno
col-marks = Porquê
col-what = O quê
col-reason = Razão
col-by = Por
col-line = Linha

sheet-present = presente
sheet-half = meio dia
sheet-absent = falta
sheet-missing = picagem em falta
sheet-leave = licença
sheet-holiday = feriado
sheet-storm = mau tempo
sheet-off = folga
sheet-not-employed = sem vínculo
sheet-unrostered = sem escala
sheet-unknown = ainda por apurar
short-present = ✓
short-half = ½
short-absent = F
short-missing = !
short-leave = L
short-holiday = Fe
short-storm = T
short-off = ·
short-not-employed = –
short-unrostered = ?
short-unknown = …
matrix-legend = ✓ presente · ½ meio dia · F falta · ! picagem em falta · L licença · Fe feriado · T mau tempo · um ponto é folga · ? sem escala · – sem vínculo · … ainda por apurar. Um dia com um traço por cima pede verificação.

sum-planned = Previsto
sum-worked = Trabalhado
sum-overtime = Extraordinário
sum-extra = Não aprovado
sum-late = Dias com atraso
sum-early = Dias com saída antecipada
sum-absent = Dias de falta
sum-missing = Dias com picagens em falta
sum-leave = Licença
sum-open = Dias em aberto

mark-late = Chegou { $shown } min depois do início previsto
mark-early = Saiu { $shown } min antes do fim previsto
mark-gap = Ausente { $shown } min previstos pelo meio
mark-leave = A licença aprovada tirou { $shown } min ao previsto
mark-storm = O mau tempo tirou { $shown } min ao previsto
mark-ot = { $shown } min de trabalho extraordinário aprovado
mark-ot-unapproved = { $shown } min fora do previsto que ninguém aprovou
mark-short = { $shown } min a menos do que o horário flexível pede
mark-below-absent = Trabalhou { $worked } de { $planned }: pouco para contar como presença
mark-below-half = Trabalhou { $worked } de { $planned }: conta como meio dia
mark-clock-box = O relógio do terminal não era seguro; conta a hora da caixa
mark-clock-redated = O relógio do terminal estava errado; conta a hora aprovada
mark-clock-wait = O relógio do terminal estava errado; espera que as horas sejam aprovadas
mark-corr-conflict = Conta outra correção desta picagem
mark-corr-pending = Uma correção espera por uma segunda pessoa
mark-corrected = Corrigida, com a aprovação de uma segunda pessoa
mark-data-wait = Ainda podem chegar picagens deste dia de um terminal
mark-day-open = O dia ainda não acabou
mark-denied = O terminal não deixou passar
mark-derived = Nenhum terminal disse o sentido; tirado da ordem
mark-double = Repetição da picagem anterior
mark-dst = A hora muda neste dia
mark-future = Mais tarde do que agora
mark-holiday = Feriado
mark-missing-in = Falta a picagem de entrada
mark-missing-out = Falta a picagem de saída
mark-multi-site = Picou em dois locais
mark-no-punch = Nenhuma picagem, e os dados de todos os terminais já cá estão
mark-no-roster = Sem escala neste dia
mark-not-employed = Sem vínculo neste dia
mark-off = Folga pela escala
mark-outside-window = Demasiado longe do turno para lhe pertencer
mark-rest-work = Trabalhou num dia sem plano
mark-shift-bad = A escala indica um turno que não existe
mark-between = Entre a primeira e a última do dia
mark-unpaired = Falta a picagem que lhe corresponde
mark-voided = Anulada por uma correção
mark-other = Veja as regras
counts-yes = Conta na folha
counts-elsewhere = Conta na folha de outro dia

sheet-closed = Fechado em { $time } por { $by }.
sheet-gaps = Em aberto nessa altura: { $gaps }.
adjusted-title = Alterado desde o fecho do mês
adjusted-backfill = uma picagem chegou depois
adjusted-correction = corrigido
adjusted-other = plano ou regras alterados
planless = Ainda não há turnos, por isso todos os dias estão sem escala. Introduza o primeiro em
empty-sheets = Ninguém para mostrar
empty-sheets-next = As pessoas vêm com «muster person import»; os RH veem os seus departamentos.
empty-exceptions = Não há nada a verificar
empty-exceptions-next = Faltas, picagens em falta, atrasos e trabalho que ninguém aprovou aparecem aqui.
exceptions-found = Dias a verificar: { $count }
exceptions-more = Há mais; escolha um departamento ou exporte o ficheiro.
file-title = Exportar o mês
file-detail = Pormenor
file-sums = Uma linha por pessoa
file-days = Uma linha por dia
close-title = Fechar o mês
close-lead = O processamento salarial recebe o que as folhas dizem agora. O que está em aberto é indicado, e as alterações posteriores aparecem como acertos. Nada fica bloqueado.
close-button = Fechar { $month }

corrections-lead = O que foi registado fica; uma correção conta quando uma segunda pessoa a aprova.
correction-open = Corrigir
correction-pending = à espera
correction-approved = aprovada
correction-rejected = recusada
correction-add = Acrescenta uma picagem às { $time }: { $way }
correction-set = Altera uma picagem: { $time }, { $way }
correction-void = Anula uma picagem
correction-as-is = como está
correction-ask-set = Pedir a alteração
correction-ask-void = Pedir a anulação
correction-ask-add = Pedir a picagem
correction-add-title = Acrescentar uma picagem em falta
correction-hint = Uma hora depois da meia-noite pode escrever-se a seguir, como 25:30. Uma segunda pessoa aprova; até lá a folha diz que uma correção espera.
correction-approve = Aprovar
correction-reject = Recusar
correction-withdraw = Desistir
correction-time = A hora escreve-se como 08:59 ou 08:59:30. Nada foi alterado.
correction-reason = Dê uma razão de 500 caracteres no máximo. Nada foi alterado.
correction-same-person = Quem pediu não pode aprovar: aprova uma segunda pessoa. Nada foi alterado.
correction-decided = Já alguém decidiu sobre isto.
empty-corrections = Nenhuma correção espera
empty-corrections-next = Abra o dia de uma pessoa para pedir uma.

plans-lead = O trabalho que estava previsto: as folhas calculam-se a partir das picagens e dos planos.
plans-rosters = Escalas
plans-leave = Licenças
plans-overtime = Trabalho extraordinário
plans-employed = Vínculo
plans-shifts = Turnos
plans-usual = Semana habitual
plans-holidays = Feriados
plans-storms = Mau tempo
plans-rosters-lead = Um ciclo de turnos para uma pessoa a partir de uma data; «-» é folga. Repete-se até ao fim, ou até à escala seguinte.
plans-leave-lead = Licença aprovada: um dia inteiro, manhã (am), tarde (pm) ou horas.
plans-overtime-lead = Trabalho extraordinário aprovado, em minutos.
plans-employed-lead = Primeiro e último dia do vínculo.
plans-shifts-lead = Horas de 00:00 a 48:00: 30:00 são as 06:00 do dia seguinte. Várias partes são um turno repartido.
plans-usual-lead = O turno de quem não tem escala, e os seus dias da semana: 1 é segunda-feira.
plans-holidays-lead = Feriados, num local ou, se ficar vazio, em todos.
plans-storms-lead = Horas em que um tufão ou outro mau tempo retém as pessoas em casa.
plans-enter = Introduzir ou importar
plans-columns = Colunas:
plans-file = Um ficheiro CSV
plans-encoding = Codificação
plans-encoding-auto = detetada automaticamente
plans-table = Ou escreva ou cole a tabela
plans-button = Verificar e introduzir
plans-file-lines = { $lines } linhas
plans-file-reading = A ler: { $lines } linhas, { $seconds } s até agora. Enquanto nem tudo estiver certo, nada é introduzido.
plans-file-large = Este ficheiro tem mais de { $most } MiB: traga-o em vários mais pequenos.
plans-problems = Nada foi introduzido
plans-more = Mais { $shown } linhas têm problemas.
plans-done = { $n ->
    [one] Foi introduzida uma linha.
   *[other] Foram introduzidas { $shown } linhas.
 }
plans-there = Em vigor
plans-remove = Retirar
plans-not-yours = O que diz respeito a todos é alterado por quem vê todos os departamentos.

onsite-lead = Pela última picagem de cada pessoa; não é uma contagem de pessoas.
onsite-in = Dentro
onsite-unclear = Incerto
onsite-out = Fora
onsite-nobody = Ninguém
onsite-safe = A salvo
onsite-gate = Última porta
onsite-night = desde a noite passada
onsite-by-turns = pela ordem das picagens
onsite-away = A caixa não responde. Esta é a sua última cópia; o que assinalar fica guardado nesta página.
onsite-others = { $n ->
    [one] Uma pessoa de outros departamentos está dentro ou em situação incerta.
   *[other] { $shown } pessoas de outros departamentos estão dentro ou em situação incerta.
 }
onsite-unnamed = { $n ->
    [one] Um número dos terminais ainda não tem pessoa; quem for pode estar no local.
   *[other] { $shown } números dos terminais ainda não têm pessoa; quem for pode estar no local.
 }
onsite-set-aside = { $n ->
    [one] A última picagem de uma pessoa foi posta de parte; conte-a como incerta.
   *[other] As últimas picagens de { $shown } pessoas foram postas de parte; conte-as como incertas.
 }
onsite-refused = { $n ->
    [one] Uma picagem foi recusada hoje.
   *[other] { $shown } picagens foram recusadas hoje.
 }
print = Imprimir

unknown-lead = Os terminais enviaram estes números, e ninguém disse de quem são. As picagens estão guardadas.
unknown-number-col = Número
unknown-whose = De quem é?
unknown-person = Número de trabalhador
unknown-button = Associar
unknown-nobody = Não há ninguém com este número. Importe primeiro a pessoa. Nada foi alterado.
unknown-device = Esse terminal não existe. Nada foi alterado.
unknown-number = Este não é um número que um terminal possa enviar. Nada foi alterado.
empty-unknown = Todos os números têm a sua pessoa
empty-unknown-next = Um número que um terminal envia pela primeira vez aparece aqui.

gap-badge = picagens em falta
gap-told = Em falta: { $count }, números { $first } a { $last } desde o arranque { $boot } do terminal, notado em { $since }. A caixa volta a pedi-las sozinha, se o terminal puder responder.
gap-accept = Dar por perdidas
clock-badge = relógio errado
clock-done = horas aprovadas
clock-told = Picagens guardadas desde o arranque { $boot } do terminal: { $count }; dizem { $from } a { $to }.
clock-preview = Segundo as picagens em direto do mesmo arranque, foram feitas de { $from } a { $to }.
clock-unknown = Nenhuma picagem em direto deste arranque mostra o erro do relógio: esperam.
clock-approve = Contá-las assim

# What is wrong with a table. Names of columns stay as they are.
csv-no-table = Isto não é uma tabela CSV.
csv-not-text = O ficheiro não é texto simples; guarde-o como CSV em UTF-8.
csv-encoding-wrong = O ficheiro não está na codificação escolhida; escolha outra.
csv-encoding-two = O ficheiro pode ser GB18030 ou Big5: escolha qual, ou guarde-o em UTF-8.
csv-encoding-unknown = A codificação do ficheiro é desconhecida; guarde-o como CSV em UTF-8.
csv-too-many = Mais de { $max } linhas; importe em partes.
csv-quote = Falta fechar umas aspas.
csv-cells = Mais células do que colunas no cabeçalho.
csv-same = Igual à linha { $line }; deixe só uma delas.
csv-column-unknown = A coluna { $place } não é nenhuma de { $known }; mude-lhe o nome ou retire-a.
csv-column-twice = A coluna { $column } aparece duas vezes.
csv-column-missing = Falta a coluna { $column }.
csv-person = person: não há ninguém com este número que possa alterar.
csv-date = { $column }: uma data como 2026-12-24, de 1970 a 2200.
csv-time = { $column }: uma hora como 09:00; 30:00 são as 06:00 do dia seguinte.
csv-times = { $column }: horas como 09:00-13:00 14:00-18:00.
csv-minutes = { $column }: um número de minutos.
csv-minutes-most = minutes: no máximo { $max }.
csv-yes-no = { $column }: yes ou no.
csv-part = part: full, am, pm ou hours.
csv-workdays = workdays: números de 1, segunda-feira, a 7, domingo.
csv-name = shift: um nome tem 1 a { $max } caracteres.
csv-shift = shift: isto não dá um turno; verifique as horas, de 00:00 a 48:00, holidays (off ou work) e pairing (first_last ou pairs).
csv-parts-none = parts: indique pelo menos uma, como 09:00-18:00.
csv-part-length = parts: { $from } a { $to } não dura nada; depois da meia-noite, 06:00 escreve-se 30:00.
csv-parts-order = parts: a que começa às { $from } começa antes de acabar a que vai até às { $until }.
csv-break-length = breaks: { $from } a { $to } não dura nada; depois da meia-noite, 00:30 escreve-se 24:30.
csv-ends = to: acaba antes de começar.
csv-cycle = cycle: 1 a { $max } dias.
csv-full = Só há lugar para { $max }, no máximo.
csv-refused = A tabela foi recusada; nada foi introduzido.

csv-changed = outra pessoa escreveu aqui outra coisa enquanto esta página estava aberta; veja o que há agora e envie de novo para substituir
correction-met = Entretanto outra pessoa pediu uma correção disto; está abaixo. O que escreveu continua no formulário: envie de novo se também for necessário.
