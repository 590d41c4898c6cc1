//! The closed words of the residency model: what a policy may say and what a fact may be.
//!
//! Every word has one spelling, used in policies, vectors, imports and parcels alike. Words that
//! are open (departments, ids, operators) stay text.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;

/// Defines a closed enumeration with its spellings, serde and the list of its values.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[allow(missing_docs)]
        #[repr(u8)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Every spelling, in the order of [`Self::ALL`].
            pub const WORDS: &'static [&'static str] = &[$($text),+];

            /// The one spelling.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value spelt so, if any.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let word = String::deserialize(d)?;
                Self::from_word(&word).ok_or_else(|| {
                    D::Error::custom(format!(
                        "`{}` is not known here; use one of: {}",
                        word.escape_default(), Self::WORDS.join(", ")
                    ))
                })
            }
        }
    };
}

words! {
    /// What kind of record this is.
    Class {
        Event = "attendance.event",
        Correction = "attendance.correction",
        Daily = "attendance.daily",
        Aggregate = "attendance.aggregate",
        DeviceHealth = "device.health",
        BiometricTemplate = "biometric.template",
        BiometricSample = "biometric.sample",
        BiometricPhoto = "biometric.photo",
        RosterIdentity = "roster.identity",
    }
}

words! {
    /// What a person is to the site.
    Category { Employee = "employee", Contractor = "contractor", Student = "student", Visitor = "visitor", Unknown = "unknown" }
}

words! {
    /// How old a person is, as far as the law asks.
    AgeBand { Under14 = "under14", From14To17 = "14-17", Adult = "adult", Unknown = "unknown" }
}

words! {
    /// Whose terms a person's DingTalk account is under (+86 registrations are `dingding`).
    AccountClass { Dingtalk = "dingtalk", Dingding = "dingding", None = "none", Unknown = "unknown" }
}

words! {
    /// How the person showed who they are; `none` for records that are not punches.
    RecordMethod { Fingerprint = "fingerprint", Face = "face", Card = "card", Pin = "pin", Palm = "palm", Other = "other", None = "none" }
}

impl From<muster_attendance::Method> for RecordMethod {
    fn from(method: muster_attendance::Method) -> Self {
        use muster_attendance::Method;
        match method {
            Method::Fingerprint => Self::Fingerprint,
            Method::Face => Self::Face,
            Method::Card => Self::Card,
            Method::Pin => Self::Pin,
            Method::Palm => Self::Palm,
            Method::Other => Self::Other,
        }
    }
}

words! {
    /// The legal basis of processing. `other` is one that was given but has no word of its own here.
    Basis {
        Contract = "contract",
        Consent = "consent",
        LegalObligation = "legal-obligation",
        PublicTask = "public-task",
        LegitimateInterests = "legitimate-interests",
        VitalInterests = "vital-interests",
        Other = "other",
    }
}

words! {
    /// Whether consent holds at the times that matter.
    Consent { Given = "given", Withdrawn = "withdrawn", Absent = "absent" }
}

words! {
    /// How parcels reach a destination.
    Connector { Mqtt = "mqtt", Https = "https", Dingtalk = "dingtalk" }
}

words! {
    /// What says that a destination is where it claims to be: seen on the wire, promised in a
    /// contract, or attested by a third party.
    ResidencyEvidence { Endpoint = "endpoint", Contract = "contract", Attestation = "attestation" }
}

words! {
    /// How exact a time may leave.
    TimePrecision { Second = "second", Minute = "minute", Hour = "hour", Day = "day", Month = "month" }
}

words! {
    /// Whether a profile carries one person's record or a count over many.
    ProfileKind { Record = "record", Aggregate = "aggregate" }
}

words! {
    /// The mainland's mechanism a transfer rests on, from the most to the least exempt.
    Bucket { Assessment = "assessment", GbaScc = "gba-scc", HrExempt = "hr-exempt", Scc = "scc", Lt100k = "lt-100k" }
}

words! {
    /// The verdict, from the freest to the strictest.
    Verdict { Forward = "FORWARD", Approve = "APPROVE", Hold = "HOLD", Drop = "DROP" }
}

words! {
    /// A yearly counter a limit may watch.
    Counter { CnExportPersons = "cn_export_persons", CnExportSensitive = "cn_export_sensitive", CnExportRecords = "cn_export_records" }
}

words! {
    /// A field of a record. The first fourteen can leave if a profile lists them; the others are
    /// known only so that they can be named when they are stripped.
    Field {
        EventId = "event_id",
        SubjectRef = "subject_ref",
        PlatformUserId = "platform_user_id",
        CheckTime = "check_time",
        Direction = "direction",
        SiteRef = "site_ref",
        DeviceAlias = "device_alias",
        Shift = "shift",
        Period = "period",
        WorkedMinutes = "worked_minutes",
        Week = "week",
        Date = "date",
        Group = "group",
        Count = "count",
        BiometricTemplate = "biometric_template",
        FingerprintImage = "fingerprint_image",
        FaceImage = "face_image",
        Photo = "photo",
        PhotoUrl = "photo_url",
        LivenessFrames = "liveness_frames",
        MatchScore = "match_score",
        Voiceprint = "voiceprint",
        Iris = "iris",
        PalmVein = "palm_vein",
        IdNumber = "id_number",
        IdCardImage = "id_card_image",
        Gps = "gps",
        WifiMac = "wifi_mac",
        Bluetooth = "bluetooth",
        BodyTemperature = "body_temperature",
        MaskStatus = "mask_status",
        Phone = "phone",
        HomeAddress = "home_address",
        VerifyMethod = "verify_method",
    }
}

impl Field {
    /// True for the fields a parcel can have at all.
    pub const fn may_leave(self) -> bool {
        (self as u8) <= (Self::Count as u8)
    }

    /// True for biometric fields, which never leave whatever a law pack says (invariant I-01).
    pub const fn is_biometric(self) -> bool {
        (self as u8) >= (Self::BiometricTemplate as u8) && (self as u8) <= (Self::PalmVein as u8)
    }
}

/// A set of known fields.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct FieldSet(u64);

impl FieldSet {
    /// No field.
    pub const EMPTY: Self = Self(0);

    /// The set of these fields.
    pub const fn of(fields: &[Field]) -> Self {
        let (mut bits, mut i) = (0, 0);
        while i < fields.len() {
            bits |= 1u64 << fields[i] as u8;
            i += 1;
        }
        Self(bits)
    }

    /// True if `field` is in the set.
    pub const fn has(self, field: Field) -> bool {
        self.0 & (1u64 << field as u8) != 0
    }

    /// This set and `field`.
    #[must_use]
    pub const fn with(self, field: Field) -> Self {
        Self(self.0 | (1u64 << field as u8))
    }

    /// The fields in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The fields in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The fields of this set that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// True if there is no field.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The fields in their fixed order.
    pub fn iter(self) -> impl Iterator<Item = Field> {
        Field::ALL.iter().copied().filter(move |&f| self.has(f))
    }
}

impl FromIterator<Field> for FieldSet {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        fields.into_iter().fold(Self::EMPTY, Self::with)
    }
}

/// A law by its code: a jurisdiction such as `MO`, `CN` or `EU`; 2 to 8 capitals, digits or `-`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Law([u8; Self::MAX_LEN]);

impl Law {
    /// Longest code, in characters.
    pub const MAX_LEN: usize = 8;
    /// Mainland China.
    pub const CN: Self = Self(*b"CN\0\0\0\0\0\0");
    /// Hong Kong.
    pub const HK: Self = Self(*b"HK\0\0\0\0\0\0");
    /// Macau.
    pub const MO: Self = Self(*b"MO\0\0\0\0\0\0");
    /// Singapore.
    pub const SG: Self = Self(*b"SG\0\0\0\0\0\0");

    /// The law with this code, if it can be one.
    pub fn from_code(code: &str) -> Option<Self> {
        let legal = |c: &u8| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == b'-';
        if !(2..=Self::MAX_LEN).contains(&code.len()) || !code.as_bytes().iter().all(legal) {
            return None;
        }
        let mut bytes = [0; Self::MAX_LEN];
        bytes[..code.len()].copy_from_slice(code.as_bytes());
        Some(Self(bytes))
    }

    /// IANA name of the time zone in which this law's days and years run; UTC where it is not
    /// known here.
    pub fn time_zone(self) -> &'static str {
        match self.as_str() {
            "MO" => "Asia/Macau",
            "HK" => "Asia/Hong_Kong",
            "CN" => "Asia/Shanghai",
            "SG" => "Asia/Singapore",
            "MY" => "Asia/Kuala_Lumpur",
            "JP" => "Asia/Tokyo",
            "EU" => "Europe/Brussels",
            "UK" => "Europe/London",
            _ => "UTC",
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|&c| c == 0).unwrap_or(Self::MAX_LEN);
        std::str::from_utf8(&self.0[..end]).unwrap_or_default()
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Law {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Law {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let code = String::deserialize(d)?;
        Self::from_code(&code).ok_or_else(|| {
            D::Error::custom(format!(
                "`{}` is not the code of a law; use 2 to 8 capitals, such as MO or EU",
                code.escape_default()
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_codes() {
        for (code, ok) in
            [("MO", true), ("EU", true), ("M", false), ("mo", false), ("ABCDEFGHI", false)]
        {
            assert_eq!(Law::from_code(code).is_some(), ok, "{code}");
        }
        assert_eq!(Law::from_code("CN"), Some(Law::CN));
        assert_eq!(Law::HK.as_str(), "HK");
    }

    #[test]
    fn words_round_trip() {
        for &field in Field::ALL {
            assert_eq!(Field::from_word(field.as_str()), Some(field));
        }
        assert!(Field::Count.may_leave() && !Field::BiometricTemplate.may_leave());
        assert!(Field::PalmVein.is_biometric() && !Field::IdNumber.is_biometric());
        assert_eq!(FieldSet::of(Field::ALL).iter().count(), Field::ALL.len());
    }
}
