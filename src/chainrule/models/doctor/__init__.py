"""The doctor: the documents' practical tips as checks of a table, a plan and a trained model."""

from chainrule.models.doctor.examine import CHECKS, diagnose
from chainrule.models.doctor.findings import Diagnosis, Finding
from chainrule.models.doctor.trained import diagnose_model

__all__ = ["CHECKS", "Diagnosis", "Finding", "diagnose", "diagnose_model"]
