# Opens short connections from inside somebody's container, and says what became of them: one line for each target,
# `result TARGET TOOL ATTEMPTS CONNECTED REFUSED TIMEOUT OTHER`. Nothing is written anywhere, nothing but a HEAD
# request is sent, no redirect is followed, and five resets in a row end a target; of bare TCP a reset right after it
# was accepted too, where bash or python3 connects (nc does not tell). It ends when its standard input does: whoever
# asked has gone then.
#
# $1 connections to each target, $2 seconds over which they are spread, $3 seconds one may take, then the targets:
# tcp|http|https://ADDRESS:PORT. POSIX shell only; whole seconds, for not every `sleep` knows less.
has() { command -v "$1" >/dev/null 2>&1; }
seconds() { date +%s; }

py='import socket, ssl, sys
scheme, host, port, wait = sys.argv[1:]
try:
    link = socket.create_connection((host, int(port)), float(wait))
    if scheme == "tcp":
        link.settimeout(0.1)
        try:
            link.recv(1)
        except socket.timeout:
            pass
    if scheme == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        link = context.wrap_socket(link)
    if scheme != "tcp":
        link.sendall(("HEAD / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n").encode())
        if not link.recv(5).startswith(b"HTTP/"):
            sys.exit(56)
except socket.timeout:
    sys.exit(28)
except ConnectionRefusedError:
    sys.exit(7)
except ConnectionError:
    sys.exit(56)
except OSError:
    sys.exit(1)
'

# What each way of connecting ends with: 0 connected, 7 refused, 28 timed out, 35, 52 and 56 broken off, else other
# (curl's numbers).
by_curl() { curl -q -s -o /dev/null -I -k --noproxy '*' --connect-timeout "$wait" --max-time "$wait" "$url"; }
by_python3() { python3 -I -c "$py" "$scheme" "$host" "$port" "$wait"; }
by_bash() {
  said=$(timeout "$wait" bash -c '
    exec 5<>"/dev/tcp/$1/$2" || exit 1
    if [ "$0" = tcp ]; then
      LC_ALL=C
      case $({ read -r -t 0.1 -n 1 _ <&5; } 2>&1) in *reset*) exit 56 ;; esac
      exit 0
    fi
    printf "HEAD / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" "$1" >&5
    read -r line <&5; case $line in HTTP/*) exit 0 ;; esac; exit 56' "$scheme" "$host" "$port" 2>&1)
  meaning $?
}
by_nc() {
  if [ "$scheme" = tcp ]; then
    case $(nc_only_connects) in
      scan) said=$(nc -v -z -w "$wait" "$host" "$port" 2>&1) ;;
      *) said=$(nc -w "$wait" "$host" "$port" -e true 2>&1) ;;
    esac
  else
    said=$({ printf 'HEAD / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$host"; } |
      nc $(nc_tells) -w "$wait" "$host" "$port" 2>&1)
    case $said in *HTTP/1* | *HTTP/2*) return 0 ;; esac
    false
  fi
  meaning $?
}
by_wget() {
  said=$(wget -nv --spider --tries=1 --timeout="$wait" --max-redirect=0 --no-check-certificate --no-proxy \
    --no-hsts --no-config "$url" 2>&1)
  code=$?
  [ "$code" = 8 ] && code=0 # the server answered with an error, or a redirect: it answered
  meaning "$code"
}
meaning() { # what a tool said goes before its exit status, which says little
  case $1:$said in
    0:*) return 0 ;;
    *[Rr]efused*) return 7 ;;
    124:* | 143:* | *[Tt]imed\ out* | *[Tt]imeout*) return 28 ;;
    56:* | *reset\ by\ peer* | *[Bb]roken\ pipe*) return 56 ;;
  esac
  return 1
}

nc_tells() { case $(nc -h 2>&1) in *BusyBox*) ;; *) printf %s -v ;; esac; } # BusyBox' says what went wrong anyway
nc_only_connects() { # by -z, or where there is none (BusyBox) by a program that ends at once
  case $(nc -h 2>&1) in
    *-z* | *[A-Z]z\]*) echo scan ;;
    *"-e PROG"*) echo run ;;
  esac
}
tool_for() { # the first that can do it; a wget that follows every redirect (BusyBox) is not used
  case $1 in
    tcp)
      if has bash && has timeout; then echo bash
      elif has nc && [ -n "$(nc_only_connects)" ]; then echo nc; elif has python3; then echo python3; else echo none; fi ;;
    http)
      if has curl; then echo curl; elif has bash && has timeout; then echo bash; elif has nc; then echo nc
      elif has python3; then echo python3; elif wget --max-redirect=0 --version >/dev/null 2>&1; then echo wget; else echo none; fi ;;
    https)
      if has curl; then echo curl; elif has python3; then echo python3
      elif wget --max-redirect=0 --version >/dev/null 2>&1; then echo wget; else echo none; fi ;;
  esac
}

measure() {
  url=$1 scheme=${1%%://*} rest=${1#*://}
  port=${rest##*:} host=${rest%:*}
  host=${host#\[} host=${host%\]}
  tool=$(tool_for "$scheme")
  done=0 connected=0 refused=0 timeout=0 other=0 resets=0
  began=$(seconds)
  while [ "$tool" != none ] && [ "$done" -lt "$count" ] && [ "$resets" -lt 5 ]; do
    past=$(($(seconds) - began))
    [ "$past" -ge "$most" ] && break
    if [ "$done" -ge $((count * (past + 1) / most)) ]; then
      sleep 1
      continue
    fi
    "by_$tool" >/dev/null 2>&1 3<&- 4>&-
    case $? in
      0) connected=$((connected + 1)) resets=0 ;;
      7) refused=$((refused + 1)) resets=0 ;;
      28) timeout=$((timeout + 1)) resets=0 ;;
      35 | 52 | 56) other=$((other + 1)) resets=$((resets + 1)) ;;
      *) other=$((other + 1)) resets=0 ;;
    esac
    done=$((done + 1))
  done
  printf 'result %s %s %s %s %s %s %s\n' "$url" "$tool" "$done" "$connected" "$refused" "$timeout" "$other" >&4
}

main() { # the whole script is read before this begins: it came by standard input, which is from here on for its end
  count=$1 most=$2 wait=$3
  shift 3
  exec 3<&0 4>&1 </dev/null
  children=
  for target; do
    measure "$target" 3<&- &
    children="$children $!"
  done
  main=$$
  # KILL: a shell that was just forked may lose any other signal (dash), and would go on connecting.
  (
    exec 4>&- >/dev/null
    read -r _ <&3
    kill -KILL "$main" $children
  ) 2>/dev/null &
  watch=$!
  wait $children
  kill -KILL "$watch" 2>/dev/null
  exit 0
}
main "$@"
