/** Which variables are credentials. CommonJS, and without a package, as the program and the set-up both ask it. */

/** Names whose value lets somebody in. What comes after the word, such as `_FILE`, makes it something else. */
const names = /(^|_)(SECRET|PASSWORD|PASSWD|PASS|CREDENTIALS?|TOKEN|API_?KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY)$/i;

/**
 * @param {string} name of an environment variable
 * @param {string} value
 */
function isCredential(name, value) {
  // Mesos takes credentials as the path of a file, which is no secret.
  const isPath = /^MESOS_/i.test(name) && /^(file:\/\/)?\//.test(value);
  return names.test(name) && !isPath;
}

module.exports = { isCredential };
