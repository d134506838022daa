//! What the system says of this process, under the names that Prometheus has for it. Nothing, where it
//! does not say it.

/// What a process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Process {
    /// Memory, in bytes.
    pub(super) resident_bytes: Option<u64>,
    /// Processor time, of the user and of the system.
    pub(super) cpu_seconds: Option<f64>,
    /// Open files.
    pub(super) open_fds: Option<u64>,
    /// How many there may be.
    pub(super) max_fds: Option<u64>,
    /// When it was started, in seconds since 1970.
    pub(super) started_at: Option<f64>,
    /// Threads.
    pub(super) threads: Option<u64>,
}

impl Process {
    /// This process, now.
    #[cfg(target_os = "linux")]
    pub(super) fn now() -> Self {
        use procfs::process::LimitValue;

        let Ok(process) = procfs::process::Process::myself() else { return Self::default() };
        let open_fds = process.fd_count().ok().map(|count| count as u64);
        let max_fds =
            process.limits().ok().and_then(|limits| match limits.max_open_files.soft_limit {
                LimitValue::Value(most) => Some(most),
                LimitValue::Unlimited => None,
            });
        let Ok(stat) = process.stat() else { return Self { open_fds, max_fds, ..Self::default() } };
        let seconds = |ticks: u64| ticks as f64 / procfs::ticks_per_second() as f64;
        let booted_at = procfs::boot_time_secs().ok();
        Self {
            resident_bytes: Some(stat.rss * procfs::page_size()),
            cpu_seconds: Some(seconds(stat.utime + stat.stime)),
            open_fds,
            max_fds,
            started_at: booted_at.map(|booted_at| booted_at as f64 + seconds(stat.starttime)),
            threads: u64::try_from(stat.num_threads).ok(),
        }
    }

    /// This process, now.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn now() -> Self {
        Self::default()
    }
}
