## O que dizem no terminal os comandos sobre documentos, pessoas e aprovações.

told-withdrawn = { $number } foi retirado; o que nele assentava fica retido
told-on-file = { $number } está arquivado, SHA-256 { $sha256 }
told-consent = anotado; os registos da pessoa voltam a ser avaliados
told-notice-published = publicado; entregue-o às pessoas antes de entrar em vigor
told-notice-given = anotado como entregue
told-baseline = introduzido; as exportações passam a ser avaliadas com ele
told-stopped = local-only está ligado: nada sai desta caixa
told-restricted = limitado
told-lifted = levantado; os registos da pessoa voltam a ser avaliados
told-noted = anotado
told-answered = respondido
told-mapped = associado; as picagens da pessoa voltam a ser avaliadas
told-imported = { $added } acrescentadas, { $updated } atualizadas, { $unchanged } sem alteração
told-corrected = corrigido: { $columns }
told-asked = pedido { $number }: a resposta é devida até { $due }

paper-withdrawn = retirado
paper-to-come = por começar
paper-ended = terminado
paper-in-force = em vigor
paper-span = { $from } a { $to }

notice-line = { $kind } { $version } desde { $from } sobre { $to }

counter-all = todos
counter-line = { $law } { $year } para { $to } { $bucket } { $persons } pessoas, { $sensitive } sensíveis, { $records } registos
counter-bound-none = (limite inferior: não foram introduzidas exportações de outros sistemas)
counter-bound = (limite inferior)
counter-alarm = ALARME
counter-legal = legal
counter-early = aviso prévio
counter-mark = { $scale } { $threshold }: { $count } de { $at }
counter-forecast = atingido em { $day } a este ritmo

request-set-up = feito, a pedido de { $person }: a caixa está a ser configurada, por isso não precisa de mais ninguém
request-made = pedido { $id }, feito por { $person } ({ $role })
request-second = outra pessoa aprova-o no prazo de um dia: muster approve { $id } --key FILE
request-frees = pedido { $id }: liberta registos, por isso conta quando dois signatários o aprovarem
request-both = cada um deles, no prazo de um dia: muster approve { $id } --key FILE
request-about = sobre { $person } { $name }
request-approved = aprovado por { $person } ({ $role })
request-one-more = falta aprovar mais um signatário antes de contar
request-todo = ainda por fazer: { $todo }
request-state-approved = aprovado por { $person }
request-state-waits = espera aprovação, um dia
request-asked = pedido por { $person }
request-proposed = proposto por { $person }, sem assinatura

signer-from = assina a partir de { $from }

erasure-done = apagado
erasure-deferred = limitado até { $until }: a lei de { $law } quer as horas conservadas
erasure-left = fora desta caixa, ainda por fazer: { $left }

right-answered = respondido
right-overdue = EM ATRASO desde { $due }
right-owed = devido até { $due }
right-line = { $number } { $person } { $right } ao abrigo de { $law }: { $state }

person-records = registos, último ano
told-policy-good = a política está bem
told-in-all = no total: { $direction }
told-warning = aviso

import-unread = não é possível ler { $file }: { $why }
import-nothing = { $file }: nada foi importado; corrija isto e importe de novo:
import-more = e mais { $count }
import-encoding-wrong = o ficheiro não está em { $encoding }; indique outra com --encoding ou guarde-o em UTF-8
import-no-text = o ficheiro não é texto; guarde-o como CSV em UTF-8
import-encoding-two = o ficheiro pode estar em GB18030 ou em Big5; indique qual com --encoding
import-encoding-unknown = o ficheiro não está em UTF-8, GB18030 nem Big5; guarde-o como CSV em UTF-8
import-no-table = o ficheiro não é uma tabela CSV; guarde-o como CSV em UTF-8
import-column-unknown = coluna desconhecida { $column }; as colunas são { $known }
import-column-twice = a coluna { $column } está repetida
import-column-missing = falta a coluna { $column }; person e name são obrigatórias
import-cells = linha { $line }: são precisas tantas células como colunas
import-number = linha { $line }: person: é preciso de 1 a 48 caracteres sem caracteres de controlo
import-same = linha { $line }: person: igual à linha { $first }; uma linha por pessoa
import-too-many = mais de { $max } linhas; divida o ficheiro
import-name = linha { $line }: name: falta o nome
import-long = linha { $line }: { $column }: no máximo { $max } caracteres
import-word = linha { $line }: { $column }: um de { $words }, ou nada
import-laws = linha { $line }: employment_law: no máximo { $max } códigos
import-law = linha { $line }: employment_law: códigos como MO ou CN

doctor-ok = bem
doctor-warning = aviso
doctor-broken = AVARIA
doctor-count = { $ok } bem, { $warnings } a verificar, { $broken } com avaria

status-site = local
status-gateway = gateway
status-running = a funcionar
status-stopped = parado
status-journal = diário
status-records = { $state }, { $count } registos
status-policy = política
status-no-policy = nenhuma: tudo espera
status-holds = nada sai: { $code }
status-refused = recusada: { $why }
status-next = { $policy } entra no seu dia
status-stop = local-only
status-stopped-by = ligado por { $by }: nada sai
status-ends = acaba
status-ended = acabou
status-waiting = por enviar
status-held = { $count } retidos: { $code }
status-destination = destino
status-sent = { $name }: { $backlog } em espera, { $settled } enviados de { $permitted } permitidos, { $undeliverable } impossíveis de entregar
status-paused = , em pausa: { $why }
status-alarm = alarme
status-alarm-told = { $device }: { $cause } ({ $count } vezes)
status-nobody = nenhum terminal nosso
status-need = precisa de si
status-set-aside = { $count } postos de parte
