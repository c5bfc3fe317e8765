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
	cd /tmp && TMPDIR=${tmp:-/tmp} ARTEL_TEST_GROUPS=$1 ARTEL_TEST_GVISOR=/t/main:/t/root /t/test -test.v -test.timeout 2h -test.run "$2"
}
# doctor TEXT: what artel doctor says has to be that.
doctor() {
	ARTEL_DIR=/tmp/none /t/artel doctor >/tmp/doctor.$UID
	grep -A1 -E ' (namespaces|cgroup|tun|trial) ' /tmp/doctor.$UID
	grep -q "$1" /tmp/doctor.$UID && grep -q '^ok    trial' /tmp/doctor.$UID
}
nothing_left() { ! find /sys/fs/cgroup -name 'artel-*' -type d | grep .; }
export -f try doctor

# What is started as these is in a group where systemd puts such things.
as_root() { systemd-run --wait --collect --pipe -q bash -c "$1"; }
as_none() { systemd-run --wait --collect --pipe -q --uid=user bash -c "$1"; }
as_delegated() { systemd-run --wait --collect --pipe -q --uid=user -p Delegate=yes bash -c "$1"; }
# As DelegateSubgroup=daemon does, of systemd 254.
as_subgroup() { as_delegated 'own=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup); mkdir $own/daemon && echo $$ >$own/daemon/cgroup.procs; '"$1"; }
# packaging/artel.service, with another program in it.
as_user() {
	cp /t/artel.service /home/user/.config/systemd/user/artel.service
	printf '%s\n' 'export tmp='$home "$1" >/home/user/program
	: >/home/user/said
	printf '%s\n' '[Service]' ExecStart= 'ExecStart=/bin/bash /home/user/program' LoadCredential= Restart=no \
		StandardOutput=append:/home/user/said StandardError=append:/home/user/said >/home/user/.config/systemd/user/artel.service.d/test.conf
	chown -R user: /home/user
	env -i PATH="$PATH" XDG_RUNTIME_DIR=/run/user/1000 runuser -u user -- bash -c 'systemctl --user daemon-reload && systemctl --user start --wait artel'
	local code=$?
	cat /home/user/said
	return $code
}
functions=$(declare -f try doctor)
run() { # NAME AS COMMANDS
	[[ $1 =~ ${only:-.} ]] || return
	echo "@@@ begin $1"
	"as_$2" "$functions
$3"
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
run box-root root "try yes '^(TestConformance|TestNothingIsLeft|TestNetworkIsMetered)$/^(CPU|Memory|Processes|Freezes|Killed|SupervisorDies|Orphaned|)$'"
run box-user user "try yes '^(TestConformance|TestNothingIsLeft)$/^(CPU|Memory|Processes|Freezes|Killed|SupervisorDies|Orphaned|)$'"
run box-none none "try no '^(TestConformance|TestSilence)$/^(CPU|Memory|Processes|)$'"
