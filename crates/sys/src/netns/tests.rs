use super::*;

fn allowed() -> bool {
    let held = crate::Capabilities::effective();
    let allowed = held.is_some_and(|held| held.has(crate::Capability::SysAdmin));
    if !allowed {
        println!("ran 0, skipped 1: needs CAP_SYS_ADMIN");
    }
    allowed
}

#[test]
fn an_isolated_job_is_elsewhere_and_its_caller_is_not() {
    if !allowed() {
        return;
    }
    let before = cookie().unwrap();
    let inside = isolated(|| cookie().unwrap()).unwrap();
    assert_ne!(inside, before);
    assert_eq!(cookie().unwrap(), before);
}

#[test]
fn a_job_runs_in_the_opened_namespace() {
    if !allowed() {
        return;
    }
    let (there, netns) = isolated(|| (cookie().unwrap(), Netns::current().unwrap())).unwrap();
    assert_eq!(netns.run(|| cookie().unwrap()), Ok(there));
}

#[test]
fn a_secluded_thread_keeps_its_mounts_to_itself() {
    if !allowed() {
        return;
    }
    let point = std::env::temp_dir().join(format!("netloom-seclude-{}", std::process::id()));
    std::fs::create_dir(&point).unwrap();
    let before = cookie().unwrap();
    let secluded = std::thread::scope(|scope| {
        let job = || {
            seclude().unwrap();
            let flags = rustix::mount::MountFlags::empty();
            rustix::mount::mount("tmpfs", &point, "tmpfs", flags, None).unwrap();
            std::fs::write(point.join("seen"), "").unwrap();
            // The mount and the namespace are passed on to threads and commands.
            let ls = std::process::Command::new("ls").arg(&point).output().unwrap();
            assert_eq!(ls.stdout, b"seen\n");
            cookie().unwrap()
        };
        scope.spawn(job).join().unwrap()
    });
    assert_ne!(secluded, before);
    assert_eq!(cookie().unwrap(), before);
    assert!(!point.join("seen").exists());
    std::fs::remove_dir(&point).unwrap();
}

#[test]
fn a_path_is_no_name() {
    for name in ["", ".", "..", "a/b", "/run/netns/x"] {
        assert_eq!(Netns::named(name).unwrap_err(), NetnsError::Name { name: name.to_owned() });
    }
}

#[test]
fn an_absent_namespace_is_named() {
    let path = PathBuf::from("/run/netns/netloom-absent");
    let error = Netns::named("netloom-absent").unwrap_err();
    assert_eq!(error, NetnsError::Open { path, errno: Errno::NOENT });
}

#[test]
fn a_file_that_is_no_namespace_is_refused() {
    if !allowed() {
        return;
    }
    let error = Netns::at(Path::new("/dev/null")).unwrap().enter().unwrap_err();
    assert!(matches!(error, NetnsError::Enter { errno: Errno::INVAL, .. }), "{error}");
}
