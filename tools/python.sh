# Sourced by the tools of this directory: run a module of tools/front or of the test harness with Debian's Python, whatever else is in PATH.

run_module() {
	module=$1
	shift
	if ! [ -x /usr/bin/python3 ]; then
		if [ "$(id -u)" != 0 ]; then
			echo "python3 is missing; as root, run: apt-get install python3" >&2
			exit 1
		fi
		apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends python3 || exit 1
	fi
	top=$(cd "$(dirname "$0")/.." && pwd)
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$top/tests/system:$top/tools exec /usr/bin/python3 -m "$module" "$@"
}
