#!/usr/bin/env bash
# Installs @tensorflow/tfjs-node beside this file, in a node_modules of its own: about 740 MB on disk.
# It is no dependency of the program, since its install script downloads from a storage bucket that many networks
# block: there, the library comes out of TensorFlow's wheel on PyPI, and its binding is compiled here.
set -euo pipefail
cd "$(dirname "$0")"

tensorflow=2.15.1
package=node_modules/@tensorflow/tfjs-node
binding=$package/lib/napi-v8 # the newest version of Node-API that its package.json names

fail() {
  echo "tfjs-node: $*" >&2
  exit 1
}

# True when TensorFlow loads and computes.
works() {
  node --input-type=module --eval "
    import { loadTfjs } from '../../models/cnn-lstm/tfjs.ts'
    const tf = await loadTfjs()
    if (tf.tensor([2, 3], [2]).dataSync()[1] !== 3) process.exit(1)" 2>"$log" >/dev/null
}

[ -x ../../node_modules/.bin/node ] || fail 'the program itself is not installed. Run `npm ci` first.'
PATH="$PWD/../../node_modules/.bin:$PATH"
log=$(mktemp)
unpacked=$(mktemp -d)
trap 'rm -rf "$log" "$unpacked"' EXIT

if works; then
  echo 'tfjs-node: is installed.'
  exit 0
fi

npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
echo 'tfjs-node: running its own install script ...'
if npm rebuild --loglevel=error @tensorflow/tfjs-node >"$log" 2>&1 && works; then
  echo 'tfjs-node: installed.'
  exit 0
fi
echo "tfjs-node: that failed ($(grep -m1 -oE 'Error: .*' "$log" || echo 'see its output with npm rebuild')). Building it from PyPI ..."

[ "$(uname -sm)" = 'Linux x86_64' ] ||
  fail 'this way needs Linux on x86-64. Install where storage.googleapis.com can be reached.'
for tool in g++ python3 unzip; do
  command -v "$tool" >/dev/null || fail "$tool is missing. On Debian: apt-get install g++ python3-pip unzip"
done
python3 -m pip --version >/dev/null 2>&1 || fail 'python3 has no pip. On Debian: apt-get install python3-pip'

sha256=54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26
echo "tensorflow-cpu==$tensorflow --hash=sha256:$sha256" >"$unpacked/requirements.txt"
python3 -m pip download -q --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
  --python-version 3.11 --implementation cp --platform manylinux_2_17_x86_64 \
  --platform manylinux2014_x86_64 -d "$unpacked" -r "$unpacked/requirements.txt" ||
  fail "pip could not download tensorflow-cpu $tensorflow. Check that PyPI can be reached."

unzip -q "$unpacked"/*.whl 'tensorflow/libtensorflow_cc.so.2' 'tensorflow/libtensorflow_framework.so.2' \
  'tensorflow/include/tensorflow/c/*' 'tensorflow/include/tensorflow/core/platform/*' \
  'tensorflow/include/tensorflow/tsl/*' 'tensorflow/include/tsl/*' -d "$unpacked"
rm -rf "$package/deps" "$binding"
mkdir -p "$package/deps/lib" "$binding"
mv "$unpacked/tensorflow/include" "$package/deps/include"
for library in cc framework; do
  strip --strip-unneeded "$unpacked/tensorflow/libtensorflow_$library.so.2" # 612 -> 450 MB
  mv "$unpacked/tensorflow/libtensorflow_$library.so.2" "$package/deps/lib/"
done
ln -s libtensorflow_cc.so.2 "$package/deps/lib/libtensorflow.so"
ln -s libtensorflow_framework.so.2 "$package/deps/lib/libtensorflow_framework.so"

g++ -std=c++17 -O2 -fPIC -shared -DNAPI_VERSION=8 -DBUILDING_NODE_EXTENSION \
  -Inode_modules/node-api-headers/include -I"$package/deps/include" -I"$package" \
  "$package/binding/tfjs_backend.cc" "$package/binding/tfjs_binding.cc" -o "$binding/tfjs_binding.node" \
  -L"$package/deps/lib" -ltensorflow -ltensorflow_framework '-Wl,-rpath,$ORIGIN/../../deps/lib' 2>"$log" ||
  fail "compiling the binding failed: $(grep -m1 -E 'error' "$log" || tail -n1 "$log")"
works || fail "it was built and does not load: $(grep -m1 -E 'Error' "$log" || tail -n1 "$log")"
echo 'tfjs-node: installed.'
