"""`python -m dev.sbom PACKAGE`: writes the bill of materials of a package for AWS Lambda, in CycloneDX, beside it."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot7
from packageurl import PackageURL

from kms_rule.output import write_whole
from kms_rule.version import version

RULE = "AWSConfigRuleKMS"
# What the rule imports and the package does not hold: the runtime of AWS Lambda has it, in a version of its own.
PROVIDED = ("boto3", "botocore")


def bill_of_materials(package: bytes) -> str:
    """Return the bill of materials of a package, as CycloneDX 1.7 in JSON.

    It names the rule with the hash of the package, and what AWS Lambda provides as external. Its time and serial number
    are those of this call.
    """
    digest = hashlib.sha256(package).hexdigest()
    rule = Component(
        name=RULE,
        type=ComponentType.APPLICATION,
        version=version(),
        bom_ref=RULE,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        purl=PackageURL("generic", None, RULE, version(), {"checksum": f"sha256:{digest}"}),
    )
    provided = [
        Component(
            name=name,
            bom_ref=name,
            is_external=True,
            description="Provided by the Python runtime of AWS Lambda, in the version that AWS keeps there",
            purl=PackageURL("pypi", None, name),
        )
        for name in PROVIDED
    ]
    bill = Bom(components=provided, metadata=BomMetaData(component=rule))
    bill.register_dependency(rule, provided)
    return JsonV1Dot7(bill).output_as_string(indent=2) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Write the bill of materials of the package that the arguments, those of the process where None, name."""
    parser = argparse.ArgumentParser(prog="python -m dev.sbom", description=__doc__)
    parser.add_argument("package", type=Path, help="the zip file that kms-rule package has written")
    package = parser.parse_args(arguments).package
    target = package.with_suffix(".cdx.json")
    write_whole(bill_of_materials(package.read_bytes()).encode(), target)
    print(f"{target}: the bill of materials")  # noqa: T201 - said to who runs make package


if __name__ == "__main__":
    main()
