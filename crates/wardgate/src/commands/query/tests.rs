use super::separated;

#[test]
fn cells_are_quoted_where_they_would_be_two() {
    assert_eq!(separated(["a", "", "b,c", "d\"e", "f\ng"].into_iter()), "a,,\"b,c\",\"d\"\"e\",\"f\ng\"\r");
}
