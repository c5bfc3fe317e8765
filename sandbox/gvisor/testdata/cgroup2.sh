# TestCgroup2 runs this as root in a machine whose kernel has nothing but cgroup v2.
# $only is a pattern of the cases that run.
chmod 1777 /tmp
hostname machine
useradd -m -u 1000 -s /bin/bash user
home=/home/user/.local/share/artel
runuser -u user -- mkdir -p -m 700 $home /home/user/.config/systemd/user/artel.service.d
loginctl enable-linger user
until systemctl is-active -q user@1000; do sleep 1; done
ip link add v0 type veth peer name v1 && ip addr add 10.77.0.1/24 dev v0 && ip link set v0 up && ip link set v1 up

# try WANT PATTERN: the tests that match; groups can be made: yes or no.
try() {
	cd /tmp && TMPDIR=$(mktemp -d -p "${tmp:-/tmp}") ARTEL_TEST_GROUPS=$1 ARTEL_TEST_GVISOR=/t/main:/t/root /t/test -test.v -test.timeout 2h -test.run "$2"
}
# box is try, where containers have to run: no test as a whole may be skipped.
box() {
	try "$@" | tee /tmp/box.$UID
	[ ${PIPESTATUS[0]} = 0 ] && ! grep '^--- SKIP' /tmp/box.$UID
}
# doctor TEXT: what artel doctor says has to be that.
doctor() {
	ARTEL_DIR=/tmp/none /t/artel doctor >/tmp/doctor.$UID
	grep -A1 -E ' (namespaces|cgroup|tun|trial) ' /tmp/doctor.$UID
	grep -q "$1" /tmp/doctor.$UID && grep -q '^ok    trial' /tmp/doctor.$UID
}
nothing_left() { ! find /sys/fs/cgroup -name 'artel-*' -type d | grep .; }

# What is started as these is in a group where systemd puts such things. It is in a file:
# systemd reads the dollar signs of a command line in its own way.
by_systemd() { systemd-run --wait --collect --pipe -q "$@" bash /program; }
as_root() { by_systemd; }
as_none() { by_systemd --uid=user; }
as_delegated() { by_systemd --uid=user -p Delegate=yes; }
# As DelegateSubgroup=daemon does, of systemd 254.
as_subgroup() {
	sed -i '1i own=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup); mkdir $own/daemon && echo 0 >$own/daemon/cgroup.procs' /program
	as_delegated
}
# packaging/artel.service, with another program in it.
as_user() {
	sed -i "1i export tmp=$home" /program
	: >/home/user/said
	cp /t/artel.service /home/user/.config/systemd/user/artel.service
	printf '%s\n' '[Service]' ExecStart= 'ExecStart=/bin/bash /program' LoadCredential= Restart=no \
		StandardOutput=append:/home/user/said StandardError=append:/home/user/said >/home/user/.config/systemd/user/artel.service.d/test.conf
	chown -R user: /home/user
	env -i PATH="$PATH" XDG_RUNTIME_DIR=/run/user/1000 runuser -u user -- bash -c 'systemctl --user daemon-reload && systemctl --user start --wait artel' &
	local job=$!
	tail -n +1 -f --pid=$job /home/user/said
	wait $job
	local code=$?
	[ $code = 0 ] || journalctl -b --no-pager -n 20 _UID=1000
	return $code
}
functions=$(declare -f try box doctor)
run() { # NAME AS COMMANDS
	[[ $1 =~ ${only:-.} ]] || return
	echo "@@@ begin $1"
	printf '%s\n' "$functions" "$3" >/program
	"as_$2"
	local code=$?
	[ $code = 0 ] && { nothing_left || code=90; }
	echo "@@@ end $1 $code"
}

groups='^TestGroup'
run groups-root root "try yes $groups"
run groups-none none "try no $groups"
run groups-user user "try yes $groups"
run groups-delegated delegated "try no $groups"
run groups-subgroup subgroup "try yes $groups"
run doctor-root root "doctor '^ok    cgroup.*v2 with cpu, memory and pids'"
run doctor-none none "doctor '^note  cgroup.*belongs to somebody else'"
run doctor-user user "doctor '^ok    cgroup.*delegated'"
run box-root root "box yes '^(TestConformance|TestNothingIsLeft|TestNetworkIsMetered)$/^(CPU|Memory|Processes|Freezes|Killed|SupervisorDies|Orphaned|)$'"
run box-user user "box yes '^(TestConformance|TestNothingIsLeft|TestNetworkIsMetered)$/^(CPU|Memory|Processes|Freezes|Killed|SupervisorDies|Orphaned|)$'"
run box-none none "box no '^(TestConformance|TestSilence)$/^(CPU|Memory|Processes|)$'"
