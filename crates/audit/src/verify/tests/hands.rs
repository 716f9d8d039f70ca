use super::{Sample, trusted};
use crate::{
    directory::SEGMENTS,
    segment::{self, SegmentName},
    verify::{Asked, Depth, Report, verify, verify_by},
};
use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

/// Events of each of the segments.
const EACH: u64 = 12;

fn segments(sample: &Sample) -> Vec<PathBuf> {
    let folder = sample.path().join(SEGMENTS);
    segment::names(&folder).unwrap().iter().map(|name| folder.join(name.to_string())).collect()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 4;
    fs::write(path, bytes).unwrap();
}

/// What so many hands find, and the bytes that were told of meanwhile.
fn found_by(sample: &Sample, depth: Depth, hands: usize) -> (Report, u64) {
    let mut told = 0;
    let trusted = trusted();
    let asked = Asked { trusted: &trusted, remembered: None, depth };
    let report = verify_by(NonZeroUsize::new(hands).unwrap(), sample.path(), &asked, &mut |bytes| told += bytes).unwrap();
    (report, told)
}

fn is_found_alike(sample: &Sample) -> Report {
    for depth in [Depth::Files, Depth::Records] {
        let one = found_by(sample, depth, 1);
        assert_eq!(one.1, one.0.bytes);
        for hands in [2, 3, 5, 40] {
            assert_eq!(found_by(sample, depth, hands), one, "{hands} hands, {depth:?}");
        }
    }
    let trusted = trusted();
    verify(sample.path(), &Asked { trusted: &trusted, remembered: None, depth: Depth::Records }, &mut |_| ()).unwrap()
}

#[test]
fn the_same_is_found_in_the_same_order_however_many_hands_look() {
    let sample = Sample::of(&[EACH; 11]);
    assert_eq!(is_found_alike(&sample).findings, []);
    let paths = segments(&sample);
    // Bytes of columns, of a footer, of the end; one that is gone, two that changed places, one cut, one too many.
    for (number, at) in [(0, 100), (1, 400), (3, 900)] {
        flip(&paths[number], at);
    }
    let length = fs::metadata(&paths[4]).unwrap().len();
    flip(&paths[4], usize::try_from(length).unwrap() - 20);
    fs::remove_file(&paths[5]).unwrap();
    let (six, seven) = (fs::read(&paths[6]).unwrap(), fs::read(&paths[7]).unwrap());
    fs::write(&paths[6], &seven).unwrap();
    fs::write(&paths[7], &six).unwrap();
    fs::write(&paths[9], &six[..six.len() / 2]).unwrap();
    super::write_segment(&sample.path().join(SEGMENTS).join(SegmentName { first_seq: 5 }.to_string()), 5, 3);
    let report = is_found_alike(&sample);
    assert_eq!(report.segments, 11);
    let named = |number: usize| {
        let name = paths[number].file_name().unwrap().to_string_lossy().into_owned();
        report.findings.iter().position(|finding| finding.to_string().contains(&name))
    };
    let places = [0, 1, 3, 4, 5, 6, 7, 9].map(|number| named(number).unwrap());
    assert!(places.is_sorted(), "{:?}", report.findings);
    assert_eq!([2, 8, 10].map(named), [None; 3]);
}
