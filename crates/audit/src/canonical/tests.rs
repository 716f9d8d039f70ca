use super::{Columned, Malformed, Personal, Record, encode};
use crate::columns::{self, COLUMNS, Value, tests::full};
use proptest::prelude::*;

const SALT: [u8; 16] = [7; 16];

fn parts(row: &crate::columns::Row<'_>) -> (Vec<u8>, Vec<u8>) {
    let (mut public, mut personal) = (Vec::new(), Vec::new());
    encode(row, false, &mut public);
    encode(row, true, &mut personal);
    (public, personal)
}

#[test]
fn a_record_reads_back() {
    let (public, personal) = parts(&full(3));
    let record = Record { public: &public, personal: Personal::Clear { salt: SALT, bytes: &personal } };
    assert_eq!(record.row().unwrap(), full(3));
}

proptest! {
    /// What is written makes no row of an event first: that way must give the same bytes.
    #[test]
    fn an_event_and_its_row_have_the_same_bytes(left in proptest::collection::vec(any::<bool>(), COLUMNS.len()), seq in 1_u64..1 << 40) {
        let mut row = full(seq);
        for ((value, column), left) in row.iter_mut().zip(COLUMNS).zip(left) {
            *value = value.take().filter(|_| left || matches!(column.name, "seq" | "time" | "kind" | "edge"));
        }
        let event = columns::event(row).unwrap();
        let (mut public, mut personal) = (Vec::new(), Vec::new());
        event.encode(false, &mut public);
        event.encode(true, &mut personal);
        prop_assert_eq!((public, personal), parts(&columns::row(&event)));
    }
}

#[test]
fn erasing_does_not_change_the_leaf_and_takes_what_is_personal() {
    let (public, personal) = parts(&full(3));
    let clear = Record { public: &public, personal: Personal::Clear { salt: SALT, bytes: &personal } };
    let erased = Record { public: &public, personal: Personal::Erased(clear.commitment().unwrap()) };
    assert_eq!(clear.leaf(), erased.leaf());
    let row = erased.row().unwrap();
    for (column, value) in COLUMNS.iter().zip(&row) {
        assert_eq!(value.is_none(), column.personal, "{}", column.name);
    }
    let other = Record { public: &public, personal: Personal::Clear { salt: [8; 16], bytes: &personal } };
    assert_ne!(other.leaf(), clear.leaf(), "the salt counts");
    let none = Record { public: &public, personal: Personal::Nothing };
    assert_ne!(none.leaf(), clear.leaf());
}

/// Hashes that every implementation in any language must find.
#[test]
fn the_leaf_of_a_known_record() {
    let mut row: crate::columns::Row<'_> = [const { None }; crate::columns::COUNT];
    row[0] = Some(Value::Int(1));
    row[3] = Some(Value::Text("edge-1".into()));
    row[31] = Some(Value::Text("192.0.2.7".into()));
    let (public, personal) = parts(&row);
    assert_eq!(hex(&public), "000001000000000000000100030300000006656467652d31");
    assert_eq!(hex(&personal), "001f03000000093139322e302e322e37");
    let record = Record { public: &public, personal: Personal::Clear { salt: SALT, bytes: &personal } };
    assert_eq!(hex(&record.leaf().0), include_str!("../../testdata/leaf.txt").trim_end());
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_is_no_record_is_told() {
    let read = |public: &[u8]| Record { public, personal: Personal::Nothing }.row().unwrap_err();
    assert_eq!(read(&[0]), Malformed::Short);
    assert_eq!(read(&[0, 0, 1, 0]), Malformed::Short);
    assert_eq!(read(&[0xff, 0, 1, 0]), Malformed::UnknownColumn(0xff00));
    assert_eq!(read(&[0, 0, 2, 1]), Malformed::Type("seq"));
    assert_eq!(read(&[0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]), Malformed::Order);
    assert_eq!(read(&[0, 31, 3, 0, 0, 0, 0]), Malformed::Part("source"));
    assert_eq!(read(&[0, 3, 3, 0xff, 0xff, 0xff, 0xff]), Malformed::Short);
    assert_eq!(read(&[0, 26, 4, 0xff, 0xff, 0xff, 0xff]), Malformed::Type("actors"));
    assert_eq!(read(&[0, 3, 3, 0, 0, 0, 1, 0xff]), Malformed::Type("edge"));
}

proptest! {
    #[test]
    fn bytes_are_read_or_refused_and_never_have_two_forms(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let record = Record { public: &bytes, personal: Personal::Nothing };
        if let Ok(row) = record.row() {
            let mut again = Vec::new();
            encode(&row, false, &mut again);
            prop_assert_eq!(again, bytes);
        }
    }

    #[test]
    fn a_flipped_bit_changes_the_row_or_is_refused(at in 0_usize..2000, bit in 0_u8..8) {
        let (mut public, _) = parts(&full(3));
        let at = at % public.len();
        public[at] ^= 1 << bit;
        let record = Record { public: &public, personal: Personal::Nothing };
        if let Ok(row) = record.row() {
            let mut original = full(3);
            for (column, value) in COLUMNS.iter().zip(&mut original) {
                if column.personal { *value = None; }
            }
            prop_assert_ne!(row, original);
        }
    }
}
