use super::Once;
use crate::world::{HOUR, NOW, World, on_both};

on_both! {
    what_counts_once_is_taken_once_until_it_is_over,
}

async fn what_counts_once_is_taken_once_until_it_is_over(world: World) {
    let once = async |mark: &str, ends, now| world.store.once(mark, ends, now).await.unwrap();
    assert_eq!(once("a", NOW + HOUR, NOW).await, Once::First);
    assert_eq!(once("a", NOW + HOUR, NOW).await, Once::Again);
    assert_eq!(once("a", NOW + HOUR * 2, NOW + HOUR).await, Once::Again, "its last moment");
    assert_eq!(once("b", NOW + HOUR, NOW).await, Once::First);
    // Of many at once one is the first.
    let (one, other) = tokio::join!(world.store.once("c", NOW + HOUR, NOW), world.store.once("c", NOW + HOUR, NOW));
    let firsts = [one.unwrap(), other.unwrap()].into_iter().filter(|one| *one == Once::First).count();
    assert_eq!(firsts, 1);
    // What is forgotten in time by a gate whose clock is ahead is not forgotten for one whose clock is behind.
    assert_eq!(world.store.forget_once(NOW + HOUR / 2).await.unwrap(), 0);
    assert_eq!(once("a", NOW + HOUR, NOW + HOUR).await, Once::Again);
    // What is over may be taken anew, whether it was forgotten or not.
    let later = NOW + HOUR + HOUR;
    assert_eq!(once("a", later + HOUR, later).await, Once::First);
    assert_eq!(world.store.forget_once(later).await.unwrap(), 2);
    assert_eq!(once("a", later + HOUR, later).await, Once::Again);
}
