# Why a paper is not filed.
paper-refused-kind = A type of paper has 1 to 48 lower-case letters, digits and hyphens, such as dpa.
paper-refused-dates = The paper ends before it begins; correct its dates.
paper-refused-hash = The document's hash is not 64 hex digits of SHA-256.
paper-refused-text = A text of the paper is too long or has control characters; shorten it.
paper-refused-old-clauses = eu-scc must name Decision 2021/914 and its module (1, 2, 3 or 4): older sets no longer count.
paper-refused-no-destination = A clause without a destination proves nothing; name the destination.
paper-refused-unknown = There is no paper of this number on file.
paper-refused-full = The registry is full; withdraw papers that ended.
