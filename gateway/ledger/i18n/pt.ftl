# Porque um documento não é registado.
paper-refused-kind = Um tipo de documento tem 1 a 48 letras minúsculas, algarismos e hífenes, como dpa.
paper-refused-dates = O documento termina antes de começar; corrija as datas.
paper-refused-hash = O resumo do documento não são 64 algarismos hexadecimais de SHA-256.
paper-refused-text = Um texto do documento é longo demais ou tem caracteres de controlo; encurte-o.
paper-refused-old-clauses = eu-scc tem de indicar a Decisão 2021/914 e o módulo (1, 2, 3 ou 4): conjuntos mais antigos já não contam.
paper-refused-no-destination = Uma cláusula sem destino não prova nada; indique o destino.
paper-refused-unknown = Não há documento registado com este número.
paper-refused-full = O registo está cheio; retire documentos que terminaram.
