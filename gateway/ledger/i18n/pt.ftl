# Porque um documento não é registado, e porque uma política não entra em vigor.
paper-refused-kind = Um tipo de documento tem 1 a 48 letras minúsculas, algarismos e hífenes, como dpa.
paper-refused-dates = O documento termina antes de começar; corrija as datas.
paper-refused-hash = O resumo do documento não são 64 algarismos hexadecimais de SHA-256.
paper-refused-text = Um texto do documento é longo demais ou tem caracteres de controlo; encurte-o.
paper-refused-old-clauses = eu-scc tem de indicar a Decisão 2021/914 e o módulo (1, 2, 3 ou 4): conjuntos mais antigos já não contam.
paper-refused-no-destination = Uma cláusula sem destino não prova nada; indique o destino.
paper-refused-unknown = Não há documento registado com este número.
paper-refused-full = O registo está cheio; retire documentos que terminaram.
policy-refused-version = A versão { $found } de { $id } segue a { $known }; as versões só crescem: dê-lhe um número maior e assine de novo.
policy-refused-parent = A política segue { $found }, e está em vigor { $known }; escreva-a de novo a partir dessa, e corrija `parent`.
policy-refused-law-pack = O pacote legal é a versão { $found }, e está em vigor a { $known }; os pacotes legais só crescem.
policy-refused-loosening = Alargar precisa de duas pessoas em duas funções, entre elas o encarregado da proteção de dados; deixe as outras assinar.
policy-refused-tightening = Apertar precisa de uma assinatura; assine.
policy-refused-parents-signers = Com os signatários da anterior, faltam ainda a esta versão duas pessoas, duas funções ou o encarregado da proteção de dados.
