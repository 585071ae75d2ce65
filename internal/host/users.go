package host

import (
	"fmt"
	"os/user"
	"strconv"

	"topobench/internal/host/proc"
)

// users names who listens on each of the TCP ports. A user without a name, as of a directory service that the machine
// does not reach, is shown by number.
func users(ports []int) map[int]string {
	names := map[int]string{}
	for port, uid := range proc.Owners(ports) {
		names[port] = fmt.Sprintf("uid %d", uid)
		if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
			names[port] = u.Username
		}
	}
	return names
}
