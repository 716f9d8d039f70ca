use super::counted;

#[test]
fn the_last_page_of_the_tour_stays_a_page() {
    let paths = |count: usize| (0..count).map(|at| (format!("GET /shop/{at:03}"), 1 + at % 7)).collect();
    assert_eq!(counted(paths(2)), "      2  GET /shop/001\n      1  GET /shop/000\n");
    let many = counted(paths(300));
    assert_eq!(many.lines().count(), 9, "{many}");
    assert!(many.ends_with("  on 292 other paths\n"), "{many}");
}
