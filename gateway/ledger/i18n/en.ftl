# Why a paper is not filed, and why a policy does not take effect.
paper-refused-kind = A type of paper has 1 to 48 lower-case letters, digits and hyphens, such as dpa.
paper-refused-dates = The paper ends before it begins; correct its dates.
paper-refused-hash = The document's hash is not 64 hex digits of SHA-256.
paper-refused-text = A text of the paper is too long or has control characters; shorten it.
paper-refused-old-clauses = eu-scc must name Decision 2021/914 and its module (1, 2, 3 or 4): older sets no longer count.
paper-refused-no-destination = A clause without a destination proves nothing; name the destination.
paper-refused-unknown = There is no paper of this number on file.
paper-refused-full = The registry is full; withdraw papers that ended.
policy-refused-version = Version { $found } of { $id } follows { $known }; versions only grow: give it a higher number and sign it again.
policy-refused-parent = The policy follows { $found }, and { $known } is in force; write it anew from that, and correct `parent`.
policy-refused-law-pack = The law pack is version { $found }, and { $known } is in force; law packs only grow.
policy-refused-loosening = A loosening needs two people in two roles, the data protection officer among them; let the others sign.
policy-refused-tightening = A tightening needs one signature; sign it.
policy-refused-parents-signers = With its parent's signers this version still lacks two people, two roles or the data protection officer.
