# Sourced by `miri` and `tsan`: a package `ringmq` that is ring and queue alone, with the tests of
# `tests/ring`. The whole package would have its HTTP dependencies built under these tools too,
# which takes minutes, and nothing of them is tested here.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}/ring-only"
package="$CARGO_TARGET_DIR/package"

# need_nightly COMPONENT...: ends with a word of explanation where there is no nightly toolchain.
need_nightly() {
    if ! rustup toolchain list 2>/dev/null | grep -q '^nightly'; then
        echo "$(basename "$0"): needs a nightly toolchain: rustup toolchain install nightly" >&2
        exit 3
    fi
    local missing=() installed component
    installed=$(rustup component list --toolchain nightly --installed)
    for component in "$@"; do
        grep -q "^$component" <<<"$installed" || missing+=("$component")
    done
    if ((${#missing[@]})); then
        rustup component add --toolchain nightly "${missing[@]}"
    fi
}

make_package() {
    mkdir -p "$package"
    cat >"$package/lib.rs" <<EOF
#[path = "$root/src/ring/mod.rs"]
pub mod ring;
#[path = "$root/src/queue/mod.rs"]
pub mod queue;
#[path = "$root/src/sync.rs"]
mod sync;
EOF
    cat >"$package/Cargo.toml" <<EOF
[package]
name = "ringmq"
version = "0.0.0"
edition = "2024"

[lib]
path = "lib.rs"

[[test]]
name = "ring"
path = "$root/tests/ring/main.rs"

[workspace]

[lints.rust]
unexpected_cfgs = { level = "warn", check-cfg = ["cfg(ringmq_tsan)"] }

[dependencies]
atomic-waker = "1.1"
bytes = "1.11"
crossbeam-queue = "0.3"
crossbeam-utils = "0.8"
once_cell = { version = "1.21", default-features = false, features = ["race", "alloc"] }
thiserror = "2.0"
triomphe = { version = "0.1", default-features = false, features = ["std"] }

[dev-dependencies]
loom-tests = { path = "$root/loom-tests" }
proptest = { version = "1.12", default-features = false, features = ["std"] }

[profile.dev.package.loom-tests]
opt-level = 2
EOF
    cp "$root/Cargo.lock" "$package/Cargo.lock"
}
