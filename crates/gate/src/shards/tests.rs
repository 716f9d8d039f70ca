use super::{Named, Shards};
use proptest::prelude::*;
use std::{collections::BTreeMap, sync::Arc};

#[derive(Debug, PartialEq)]
struct Entry(String, u32);

impl Named for Entry {
    fn name(&self) -> &str {
        &self.0
    }
}

proptest! {
    #[test]
    fn it_is_a_map_and_older_copies_stay_as_they_were(steps in proptest::collection::vec((0..12_u32, any::<Option<u32>>()), 0..40)) {
        let (mut shards, mut model) = (Shards::default(), BTreeMap::new());
        let mut before = Vec::new();
        for (name, value) in steps {
            before.push((shards.clone(), model.clone()));
            let name = format!("name-{name}");
            match value {
                Some(value) => {
                    shards.put(Arc::new(Entry(name.clone(), value)));
                    model.insert(name, value);
                }
                None => {
                    shards.remove(&name);
                    model.remove(&name);
                }
            }
        }
        before.push((shards, model));
        for (shards, model) in before {
            prop_assert_eq!(shards.len(), model.len());
            prop_assert_eq!(shards.is_empty(), model.is_empty());
            let listed: BTreeMap<_, _> = shards.iter().map(|entry| (entry.0.clone(), entry.1)).collect();
            prop_assert_eq!(&listed, &model);
            for name in 0..12_u32 {
                let name = format!("name-{name}");
                prop_assert_eq!(shards.get(&name).map(|entry| entry.1), model.get(&name).copied());
            }
        }
    }
}
