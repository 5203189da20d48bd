// Exits with 1 when this Node.js is too old for the build.
const [major, minor] = process.versions.node.split('.').map(Number);
process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1);
