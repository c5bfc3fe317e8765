package host

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// memoryStatus is MEMORYSTATUSEX.
type memoryStatus struct {
	length, load                                                       uint32
	total, available, totalPage, page, totalVirtual, virtual, extended uint64
}

func totalMemory() (uint64, error) {
	m := memoryStatus{}
	m.length = uint32(unsafe.Sizeof(m))
	ok, _, err := windows.NewLazySystemDLL("kernel32.dll").NewProc("GlobalMemoryStatusEx").Call(uintptr(unsafe.Pointer(&m)))
	if ok == 0 {
		return 0, fmt.Errorf("GlobalMemoryStatusEx: %w", err)
	}
	return m.total, nil
}

// mayWrite is asked on Linux only.
func mayWrite(string) bool { return false }

// forget cannot be had for an open file here.
func forget(uintptr) bool { return false }

// accessed is asked of terminals on Linux only.
func accessed(string) time.Time { return time.Time{} }

// OwnTime is not asked for here: what others use is not known either.
func OwnTime() time.Duration { return 0 }
