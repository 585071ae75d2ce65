package ssh

import "topobench/internal/host/agent"

// Messages are those of OpenSSH. The first that matches counts.
func Messages() []agent.Message {
	return agent.Table("ssh", [][3]string{
		{`"ssh": executable file not found`,
			"this machine has no ssh", "install the OpenSSH client (openssh-client), or add it to PATH"},
		{`REMOTE HOST IDENTIFICATION HAS CHANGED|Offending .* key in`,
			"the host key of ADDRESS is another than before",
			"if the machine was installed again, remove its old key (ssh-keygen -R HOST) and confirm the new one " +
				"by hand: ssh ADDRESS"},
		{`No .* host key is known for|Host key verification failed|authenticity of host .* can't be established`,
			"the host key of ADDRESS is unknown", "confirm it once by hand: ssh ADDRESS"},
		{`Unable to negotiate with|no matching (host key type|key exchange method|cipher)`,
			"this ssh and the server of ADDRESS have no algorithm in common",
			"update the older one, or allow the algorithm in ~/.ssh/config"},
		{`pam_slurm|no active jobs on this node`,
			"ADDRESS is a node of a Slurm cluster, and you have no job there",
			"start topobench in an allocation: salloc -N2 --exclusive"},
		{`UNPROTECTED PRIVATE KEY FILE|bad permissions`,
			"ssh does not use a private key that others may read", "close it: chmod 600 on that file"},
		{`Bad (owner or permissions|configuration option)|terminating, \d+ bad configuration options`,
			"ssh does not accept its configuration", "correct that file; ssh -G ADDRESS shows what it reads"},
		{`Too many authentication failures`,
			"ssh offered too many keys to ADDRESS",
			"name the right one in ~/.ssh/config: IdentityFile and IdentitiesOnly yes"},
		{`^(.*: )?Permission denied( \(|, please)|Permission denied \(`,
			"ADDRESS does not accept your keys, and topobench uses no password",
			"copy a key there (ssh-copy-id ADDRESS), or load it (ssh-add); ssh -o BatchMode=yes ADDRESS must work"},
		{`Could not resolve hostname`,
			"the name in ADDRESS does not resolve", "correct it, or give an IP address or a Host of ~/.ssh/config"},
		{`Connection refused`,
			"ADDRESS has no ssh server on that port",
			"start sshd there, or set its Port in ~/.ssh/config"},
		{`No route to host|Network is unreachable`,
			"there is no route to ADDRESS", "check the address and the network: ping it from here"},
		{`Connection timed out|Operation timed out`,
			"ADDRESS does not answer", "check the address, whether the machine is up, and the firewall between"},
		{`kex_exchange_identification|Connection (closed|reset) by .* port \d+( \[preauth\])?$`,
			"the server of ADDRESS closed the connection before the login",
			"see its log; it may allow fewer connections (MaxStartups), or not this machine or user"},
		{`Timeout, server .* not responding`,
			"ADDRESS no longer answers", "check whether the machine is up, and the network between"},
		{`Broken pipe|Connection (to .* )?(closed|reset) by|Connection to .* closed`,
			"the connection to ADDRESS was closed", "see the log of sshd there, and whether the machine was restarted"},
	})
}
