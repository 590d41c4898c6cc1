## A vida da política, documentos legais, aprovações, direitos, pacotes de auditoria.

nav-governance = Governação
governance-lead = O que está em vigor e por decisão de quem. Libertar um registo exige duas pessoas; para o reter basta uma.
governance-policy = Política
governance-papers = Documentos legais
governance-approvals = Aprovações
governance-packs = Pacotes de auditoria
governance-thresholds = Limiares com previsão
governance-calendar = O que acaba e quando

stop-title = Paragem de emergência
stop-off = Desligada: os registos saem como a política diz.
stop-on = Ligada desde { $since }, por { $by }: nada sai desta caixa. As picagens continuam a ser aceites.
stop-end = Dois signatários terminam-na com muster local-only off.
stop-button = Parar tudo o que sai
policy-holds = Agora nada sai: { $codes }
policy-refused = A última política entregue não está em vigor, e a anterior mantém-se: { $why }

versions-title = Versões
versions-none = Nunca foi aceite uma política: os registos são aceites e esperam. Escreva uma, faça-a assinar por duas pessoas e publique-a com muster policy publish.
col-version = Versão
col-direction = Efeito
col-signers = Assinada por
col-from = De
col-until = Até
version-superseded = substituída antes de começar
version-to-come = por começar
version-ended = terminada
version-began = em vigor
direction-tightens = aperta
direction-loosens = alarga
direction-neutral = neutra
changes-title = O que a versão mais recente mudou
trial-title = Experimentada nos últimos trinta dias, sem enviar nada
trial-same = Todos os registos teriam o mesmo resultado.
trial-move = { $count }: { $from } passaria a { $to }

papers-lead = Documentos em que os registos assentam, primeiro os que acabam primeiro. Um documento conta quando duas pessoas respondem por ele.
papers-none = Não há documentos no arquivo. Arquive um em baixo.
col-paper = Documento
col-lane = Percurso
col-filed = Arquivado por
paper-withdrawn = retirado
paper-ended = terminado
paper-to-come = por começar
paper-ends-soon = acaba dentro de 30 dias
paper-in-force = em vigor

approvals-lead = O que espera por outra pessoa. Assine este texto exato com a sua chave, no seu computador: a chave nunca vem para aqui.
approvals-none = Nada espera.
approval-done = Aprovado e feito.
approval-first = A sua assinatura está registada. Falta a aprovação de mais um signatário antes de algo mudar.
request-approved = aprovado
request-over = caducado
request-wants-two = faltam dois signatários
request-wants-one = falta um signatário
request-asked = Por { $by }, { $at }
request-about = Sobre
request-line = A sua assinatura, a linha que começa por muster-sig-1
request-hint = Guarde o texto acima como request.txt e depois: muster approve --text request.txt --key FILE
request-approve = Aprovar

rights-title = Direitos
rights-known = O que consta
rights-consent = Consentimento de { $from } até { $to }
rights-guardian = Consentimento de um tutor de { $from } até { $to }
rights-open = ser retirado
rights-notice = Aviso { $kind }, versão { $version }
rights-leaves = Sai em { $day }; as provas biométricas são apagadas então
rights-restriction = Limitação e apagamento
rights-free = Sem limitação.
rights-since = Com limitação desde { $since }: nada desta pessoa sai.
rights-restrict = Limitar: nada desta pessoa sai
rights-lift = Pedir o fim da limitação
rights-erase = Pedir que se apague esta pessoa
rights-erase-biometrics = Pedir que se apaguem as suas provas biométricas
rights-two = Levantar a limitação e apagar exigem dois signatários: o pedido espera em Aprovações.
rights-reason = pedido na página
rights-restricted = Feito: a partir de agora nada desta pessoa sai.
rights-proposed = O pedido { $request } espera por dois signatários. Ainda nada mudou.
rights-requests = O que pediu
rights-answered = respondido
rights-overdue = fora de prazo
rights-owed = por responder
rights-left-title = O que falta antes de se dizer apagado
rights-left = { $place }

packs-lead = Um auditor pede, outra pessoa liberta, e o auditor descarrega-o dentro de sete dias. As pessoas figuram por pseudónimos; as amostras indicam o total de onde foram tiradas.
packs-none = Ainda ninguém pediu um pacote. Um auditor pede-o nesta página.
pack-ask = Pedir um pacote
pack-ask-button = Pedir
pack-days = Escreva os dois dias; o primeiro não pode ser depois do último.
pack-waits = à espera de ser libertado
pack-released = libertado por { $by }, { $at }
pack-release = Libertar
pack-fetch = Descarregar
col-pack = Pacote
col-days = Dias
col-asked = Pedido por

nav-flows = Para onde vão os dados
flows-lead = O que a política declara, frente ao que se viu este mês. A vermelho está o que ninguém declarou.
flows-declared = Tudo o que se viu foi declarado
flows-undeclared = { $n ->
    [one] Viu-se 1 coisa que ninguém declarou
   *[other] Viram-se { $n } coisas que ninguém declarou
}
flows-stopped = Paragem de emergência: nada sai
flows-drawing = A figura está a ser desenhada a partir do diário; esta página mostra-a por si.

right-access = ver o que se guarda
right-export = levar uma cópia
right-correct = que se corrija
right-restrict = que se limite o uso
right-erase = que se apague
right-object = opõe-se ao uso
rights-name = Nome
rights-none = Nada foi pedido.
rights-law = Lei
rights-due = Resposta devida até
rights-asks = Pede
rights-note = Anotar o pedido
rights-note-hint = O prazo da lei para responder começa agora.
rights-noted = Anotado. A resposta é devida até ao dia abaixo.
rights-answer = Responder
rights-answer-text = O que se respondeu
rights-answer-button = Anotar a resposta
rights-answer-noted = A resposta está anotada.
rights-answered-already = Entretanto outra pessoa anotou uma resposta, que fica. Nada mudou.
rights-correct = Corrigir o nome
rights-correct-button = Corrigir
rights-correct-hint = O diário guarda quem o fez e porquê. O que decide para onde vão os registos (departamento, categoria, idade, lei, conta) corrige-se na própria caixa:
rights-correct-rule = O nome e o motivo têm de 1 a 200 caracteres. Nada mudou.
rights-corrected = Corrigido; o diário diz quem e porquê.
rights-changed = Entretanto outra pessoa mudou o nome: agora é { $name }. O que escreveu está abaixo; envie de novo se ainda se aplica.
rights-take-all = Descarregar tudo
rights-take-records = Descarregar só os registos
rights-take-hint = O ficheiro tem em claro o que se guarda: entregue-o só a essa pessoa. O diário diz quem o descarregou.

profile-number = Número nos terminais
profile-department = Departamento
profile-category = Categoria
profile-age = Faixa etária
profile-law = Lei do trabalho
profile-account = Classe da conta
profile-platform = Utilizador na plataforma
profile-basis = Base legal
