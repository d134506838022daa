//! A line that is made longer keeps its order and loses nothing.

use std::sync::Arc;

use super::line::{Busy, Line};
use crate::model::{Model, race, race_three};

fn line() -> Arc<Line> {
    let line = Line::new();
    line.lengthen(0, 1).expect("there is memory");
    Arc::new(line)
}

fn pop(line: &Line) -> String {
    match line.pop() {
        Ok(Some(index)) => format!("{index}"),
        Ok(None) => "none".to_owned(),
        Err(Busy) => "busy".to_owned(),
    }
}

fn rest(line: &Line) -> Vec<u32> {
    std::iter::from_fn(|| line.pop().expect("nobody else is at it")).collect()
}

#[test]
fn pop_against_lengthen_and_push() {
    Model::new("line: pop against lengthen and push").preemptions(3).check(
        &["1 none, left [2]", "1 busy, left [2]", "1 2, left []"],
        || {
            let line = line();
            line.push(1);
            let (grower, popper) = (Arc::clone(&line), Arc::clone(&line));
            let ((), popped) = race(
                move || {
                    grower.lengthen(1, 2).expect("there is memory");
                    grower.push(2);
                },
                move || format!("{} {}", pop(&popper), pop(&popper)),
            );
            format!("{popped}, left {:?}", rest(&line))
        },
    );
}

#[test]
fn push_against_lengthen_and_pop() {
    Model::new("line: push against lengthen and pop").check(
        &["none, left [1]", "busy, left [1]", "1, left []"],
        || {
            let line = line();
            let (grower, pusher, popper) =
                (Arc::clone(&line), Arc::clone(&line), Arc::clone(&line));
            let ((), (), popped) = race_three(
                move || grower.lengthen(1, 2).expect("there is memory"),
                move || pusher.push(1),
                move || pop(&popper),
            );
            assert!(line.len() <= 1);
            format!("{popped}, left {:?}", rest(&line))
        },
    );
}
