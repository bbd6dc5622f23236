"""How a reader checks this report without trusting it (G7), and what its signature shows and does not show (P13)."""

from __future__ import annotations

from cryptography import x509
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer

from workstation.reporting import styles
from workstation.reporting.blocks import bullets, facts_table, note
from workstation.reporting.content import Content
from workstation.reporting.signing import SELF_MADE
from workstation.reporting.twin import SCHEMA, VERSION
from workstation.reporting.wording import say


def flow(content: Content) -> list[Flowable]:
    identity = content.identity
    signer = identity.subject
    if identity.self_made:
        caution = say("verify.self_made")
    else:
        issuer = x509.load_der_x509_certificate(identity.certificate).issuer.rfc4514_string()
        caution = say("verify.issued", issuer=issuer)
    if identity.self_made and SELF_MADE not in signer.replace("\\", ""):
        signer = say("title.signed.self_made", name=signer, label=SELF_MADE)
    return [
        bullets([say(f"verify.{number}") for number in range(1, 6)], styles.BODY),
        Spacer(0, 3 * mm),
        facts_table(
            [
                (say("verify.json"), content.json_sha256),
                (say("verify.schema"), f"{SCHEMA} {VERSION}"),
                (say("verify.signer"), signer),
                (say("verify.certificate"), identity.fingerprint),
                (say("verify.signature"), say("verify.signature.value")),
                (say("verify.time"), say("verify.time.none")),
            ]
        ),
        note(caution),
    ]
