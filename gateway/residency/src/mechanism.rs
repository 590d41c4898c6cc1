//! The mainland's mechanisms for exports (PIPL art 38; CAC Order 16 of 22 March 2024, arts 5, 7, 8).

use crate::decide::{Evaluation, Way};
use crate::decision::{Need, Remedy};
use crate::lanes::{Lane, Unmet, paper};
use crate::matching::is_sensitive;
use crate::policy::Site;
use crate::rules::Rules;
use crate::vocab::{Bucket, Category, Counter, Law};

/// Every type of paper a mechanism can rest on.
pub(crate) const PAPERS: [&str; 6] =
    ["cn-assessment", "cn-cert", "cn-labour-rules", "cn-scc", "gba-scc-hk", "gba-scc-mo"];

/// One lane out of the mainland, looking for what it can rest on.
pub(crate) struct Mechanism<'a> {
    pub(crate) evaluation: &'a Evaluation<'a>,
    pub(crate) lane: Lane,
    pub(crate) site: &'a Site,
    pub(crate) way: &'a Way<'a>,
}

impl Mechanism<'_> {
    /// The first mechanism that carries, or why none does.
    pub(crate) fn name(&self) -> Result<Bucket, Unmet> {
        if self.gba_contract().is_some_and(|kind| self.on_file(kind)) {
            return Ok(Bucket::GbaScc);
        }
        if self.claims_hr() && self.on_file("cn-labour-rules") {
            return Ok(Bucket::HrExempt);
        }
        if self.on_file("cn-assessment") {
            return Ok(Bucket::Assessment);
        }
        self.by_counts()
    }

    fn by_counts(&self) -> Result<Bucket, Unmet> {
        let threshold = &self.evaluation.rules.pack.threshold;
        let persons = Rules::counted(self.evaluation.facts, Counter::CnExportPersons);
        let sensitive = is_sensitive(self.evaluation.facts);
        let contract = self.on_file("cn-scc") || self.on_file("cn-cert");
        let many = persons >= threshold.cn_persons_assessment;
        if sensitive {
            let count = Rules::counted(self.evaluation.facts, Counter::CnExportSensitive);
            if count >= threshold.cn_sensitive_assessment {
                return Err(self.unmet("T-CN-10K-SENS", false));
            }
            if !contract {
                return Err(self.unmet("G-CN-38-SENS", !many));
            }
        }
        if many {
            return Err(self.unmet("T-CN-1M", false));
        }
        if persons >= threshold.cn_persons_scc && !contract {
            return Err(self.unmet("T-CN-100K", true));
        }
        let below = persons < threshold.cn_persons_scc && !sensitive;
        Ok(if below { Bucket::Lt100k } else { Bucket::Scc })
    }

    /// The GBA contract this lane could rest on, by the type of its paper.
    fn gba_contract(&self) -> Option<&'static str> {
        let kind = match self.lane.to {
            Law::HK => "gba-scc-hk",
            Law::MO => "gba-scc-mo",
            _ => return None,
        };
        (self.site.gba && self.way.destination.operator_gba == Some(true)).then_some(kind)
    }

    fn claims_hr(&self) -> bool {
        let category = self.evaluation.facts.subject.category;
        self.way.hr_exempt && category == Some(Category::Employee)
    }

    fn on_file(&self, kind: &str) -> bool {
        self.evaluation.on_file_for(kind, self.lane, None)
    }

    fn unmet(&self, code: &str, contract_helps: bool) -> Unmet {
        let hr = self.claims_hr().then_some("cn-labour-rules");
        let scc: &[&str] = if contract_helps { &["cn-scc", "cn-cert"] } else { &[] };
        let kinds = self.gba_contract().into_iter().chain(hr).chain(["cn-assessment"]);
        let kinds: Vec<&str> = kinds.chain(scc.iter().copied()).collect();
        Unmet {
            code: code.to_owned(),
            alternatives: kinds
                .iter()
                .map(|&kind| vec![Need { what: kind.into(), met: false }])
                .collect(),
            remedies: kinds.iter().map(|kind| vec![self.remedy(kind)]).collect(),
        }
    }

    fn remedy(&self, kind: &str) -> Remedy {
        paper(kind, self.lane)
    }
}
