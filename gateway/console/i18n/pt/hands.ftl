## O que a página manda a caixa fazer: a ronda do médico, a inscrição num terminal, pedir outra vez.

doctor-title = Diagnóstico
doctor-lead = As mesmas verificações de «muster doctor», cada uma com causa e solução.
doctor-examine = Verificar tudo agora
doctor-running = { $n ->
    [one] A verificar tudo, há um segundo.
   *[other] A verificar tudo, há { $shown } segundos.
 }
doctor-none = Nada foi verificado desde que a caixa arrancou.
doctor-none-next = «Verificar tudo agora» lê o diário inteiro e contacta todas as regiões; entretanto as picagens são aceites.
doctor-runbook = No manual

enrol-title = Inscrição
enrol-lead = Só se recolhe uma impressão digital quando o aviso, uma base legal para a biometria e a idade estão registados. Há sempre a alternativa de um PIN ou de um cartão.
enrol-who = Para quem?
enrol-look = Ver o que está registado
enrol-how = Como, e onde
enrol-on-record = registado
enrol-missing = falta
enrol-notice = O aviso foi dado
enrol-notice-next = Dê o aviso à pessoa e registe-o: «muster notice give».
enrol-basis = Base legal para a biometria, à parte da da assiduidade
enrol-basis-next = O consentimento da própria pessoa, ou um documento arquivado: regista-o o encarregado da proteção de dados.
enrol-age = Idade
enrol-age-next = Os recursos humanos indicam o faixa etária no diretório.
enrol-page-label = Posição da impressão digital no terminal
enrol-finger = Recolher uma impressão digital
enrol-finger-hint = O terminal pede o dedo duas vezes.
enrol-pin = Escolher um PIN no terminal
enrol-pin-hint = Para um PIN, a pessoa digita no terminal o seu número, #, o PIN e #. Quem tem cartão não precisa de inscrição: os recursos humanos associam o número.
enrol-not-on-record = Não se pode recolher nenhuma impressão digital: falta o que está marcado em cima. Nada foi pedido ao terminal.
enrol-no-terminal = Este terminal não aceita tarefas. Escolha um da lista; nada lhe foi pedido.
enrol-no-m1 = Não há aqui nenhum M1 emparelhado.
enrol-no-m1-next = Emparelhe um primeiro; os outros terminais inscrevem por si.
enrol-page = Indique a posição onde o terminal deve guardar a impressão digital: um número de 0 a 65535. Nada lhe foi pedido.
enrol-busy = A caixa já está ocupada com tarefas destas. Espere que uma acabe; nada foi começado.
enrol-jobs = Em curso e feitas
enrol-none = Ninguém foi inscrito desde que a caixa arrancou.
enrol-none-next = Introduza um número em cima para ver o que está registado.
enrol-running = em curso
enrol-running-next = A pessoa deve estar agora junto do terminal.
enrol-done = feito
enrol-refused = não feito

gap-again = Pedir outra vez
gap-asked = Pedido outra vez às { $time }: envia tudo o que guarda.

journal-title = Diário
journal-lead = Todos os atos administrativos, tal como foram registados; nenhuma alteração passa despercebida.
journal-running = A ler o diário desde o início; entretanto as picagens são recebidas.
journal-all = tudo
journal-look = Procurar
journal-fresh = Ainda nada foi procurado.
journal-fresh-next = Escolha os dias, o tipo de ato e quem o fez.
journal-batch = Lote
journal-says = O que diz
journal-open = Mostrar
journal-found = { $n ->
    [0] Nada corresponde.
    [one] Um ato.
   *[other] { $shown } atos.
 }
journal-newest = { $n ->
    [one] Um ato.
   *[other] { $shown } atos; mostram-se os 300 mais recentes. Escolha menos dias para ver os outros.
 }
journal-days = O primeiro dia vem antes do último. Nada foi procurado.
journal-check = Está completo?
journal-check-lead = A caixa lê todos os lotes e a cadeia que os une. Quem não confia na palavra da caixa verifica um pacote de auditoria à parte dela:
journal-key = chave desta caixa
journal-check-button = Verificar o diário inteiro
journal-whole = completo
journal-damaged = danificado
journal-unchecked = por verificar
journal-whole-told = { $batches } lotes, { $records } registos, { $time }
journal-accounts = contas e acessos
journal-policy = política e decisões
journal-rights = pessoas e os seus direitos
journal-devices = terminais
journal-plans = planos e correções
journal-exports = o que saiu do local
journal-box = a própria caixa

pair-title = Emparelhar e substituir
pair-lead = Um terminal entra com um código de uso único, no próprio local; ninguém transporta chaves.
pair-made = Leia a imagem no terminal, ou digite o que está ao lado. Compare a impressão da chave que o terminal mostra. Só é mostrado agora;
pair-minutes = { $n ->
    [one] serve uma vez, dentro de um minuto.
   *[other] serve uma vez, dentro de { $shown } minutos.
 }
pair-picture = Código QR para o terminal
pair-address = A caixa
pair-fingerprint = Impressão da chave
pair-link = Tudo numa só ligação
pair-new = Um terminal novo
pair-kind = Modelo
pair-carrier = Ligado através de
pair-host = Endereço da caixa para o terminal (vazio: o da própria caixa)
pair-closed = Não há aqui porta para terminais com certificado: defina [mqtt] listen na configuração e reinicie.
pair-list = Terminais emparelhados
pair-replace = Substituir exclui o antigo e começa o novo com o mesmo nome, de uma só vez. O que o antigo enviou fica; o que ele guarda perde-se se não for lido antes. Um terminal perdido é excluído de imediato.
pair-heard = já deu sinal
pair-not-heard = ainda não deu sinal
pair-revoke = Excluir
pair-name-rule = Um nome tem 1 a 64 caracteres, nenhum deles / + #.
pair-nothing = Nada foi emparelhado.

pair-another = Emparelhar outro
pair-waits = À espera de que o terminal entre com o seu código
pair-came = Entrou e está emparelhado: faça nele uma picagem de ensaio
pair-punched = Funciona: a primeira picagem chegou às { $time }
pair-replace-button = Substituir por um novo
card-title = Um novo M1
card-lead = Um M1 não tem ecrã nem rede: entra pelo seu cartão. Dê-lhe um nome, grave a imagem num cartão, insira o cartão e ligue o terminal.
card-address = Endereço na linha
card-button = Criar o cartão
card-replace = Substituir por um novo cartão
card-hint = A imagem contém o segredo do terminal e só é feita uma vez: apague o ficheiro depois de gravar o cartão. Para gravar:
