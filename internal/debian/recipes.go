package debian

import (
	"slices"

	"github.com/artel-network/artel/image/oci"
)

// talk is what no program reads.
var talk = []string{
	"/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*", "/usr/share/icons/*", "/usr/include/*",
}

// graphics are drivers of graphics cards, and the compiler they use: much of an image
// whose libraries can also draw on a screen, and opened when one does.
var graphics = []string{
	"/usr/lib/*/dri/*", "/usr/lib/*/libLLVM*", "/usr/lib/*/libz3*", "/usr/lib/*/libmfxhw*", "/usr/lib/*/mfx/*",
}

// All are the images that there are recipes for.
func All() []Recipe { return []Recipe{PyTorch(), POVRay(), FFmpeg(), BusyBox()} }

// PyTorch is Python with PyTorch, for processors.
func PyTorch() Recipe {
	return Recipe{
		Name: "pytorch", Variant: "essential", Packages: []string{"python3-torch"},
		Exclude: slices.Concat(talk, graphics, []string{"/usr/lib/libtorch-test/*"}), Config: oci.RunConfig{Cmd: []string{"python3"}},
	}
}

// POVRay is a ray tracer, with the scenes' usual parts.
func POVRay() Recipe {
	return Recipe{
		Name: "povray", Variant: "essential", Packages: []string{"povray", "povray-includes"},
		Exclude: slices.Concat(talk, graphics), Config: oci.RunConfig{Cmd: []string{"povray"}},
	}
}

// FFmpeg is a transcoder of video and sound.
func FFmpeg() Recipe {
	return Recipe{
		Name: "ffmpeg", Variant: "essential", Packages: []string{"ffmpeg"},
		Exclude: slices.Concat(talk, graphics), Config: oci.RunConfig{Cmd: []string{"ffmpeg"}},
	}
}

// BusyBox is a shell, a static web server, and a few hundred other small things in one
// static program.
func BusyBox() Recipe {
	return Recipe{
		Name: "busybox", Variant: "extract", Packages: []string{"busybox-static"},
		Exclude: talk, Config: oci.RunConfig{Entrypoint: []string{"/bin/busybox"}, Cmd: []string{"sh"}},
	}
}

// Machine is a whole Debian for an emulated machine (internal/vm): kernel, initrd,
// systemd, and sessions of users.
func Machine() Recipe {
	return Recipe{
		Name: "machine", Variant: "minbase",
		Packages: []string{"linux-image-cloud-amd64", "initramfs-tools", "busybox", "systemd", "systemd-sysv", "udev", "dbus", "dbus-user-session", "libpam-systemd", "iproute2"},
		Exclude:  talk,
	}
}
