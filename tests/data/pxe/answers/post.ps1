echo hello
uptime