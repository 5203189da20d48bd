// The SMTP server that MailFlow's tests hand mail to. It is somebody else's (npm's smtp-server), and so is the reader
// that takes the mails apart (postal-mime): what MailFlow writes is judged by code that shares nothing with it.
//
// Takes one JSON object on argv: { tls: "none"|"starttls"|"implicit", key, cert, user, password, size, hide: [...] }.
// Prints one JSON line when it listens and one for every mail. Ends when standard input does, so that no server
// outlives the test run that started it.
import { readFileSync } from 'node:fs';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';

const options = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const hidden = (name) => options.hide?.includes(name) ?? false;

const server = new SMTPServer({
  logger: false,
  secure: options.tls === 'implicit',
  key: options.key && readFileSync(options.key),
  cert: options.cert && readFileSync(options.cert),
  hideSTARTTLS: options.tls !== 'starttls',
  authOptional: !options.user,
  authMethods: hidden('PLAIN') ? ['LOGIN'] : ['PLAIN', 'LOGIN'],
  allowInsecureAuth: options.tls === 'none',
  size: options.size,
  hidePIPELINING: hidden('PIPELINING'),
  hide8BITMIME: hidden('8BITMIME'),
  hideSMTPUTF8: hidden('SMTPUTF8'),
  disableReverseLookup: true,

  onAuth(auth, session, callback) {
    if (auth.username === options.user && auth.password === options.password) callback(null, { user: auth.username });
    else callback(new Error('Invalid user name or password'));
  },

  onRcptTo(address, session, callback) {
    if (address.address.startsWith('nobody@')) {
      const refusal = new Error('5.1.1 No such user here');
      refusal.responseCode = 550;
      callback(refusal);
    } else callback();
  },

  onData(stream, session, callback) {
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('end', async () => {
      if (stream.sizeExceeded) {
        const refusal = new Error('5.3.4 Message too big');
        refusal.responseCode = 552;
        callback(refusal);
        return;
      }
      const raw = Buffer.concat(chunks);
      const mail = await PostalMime.parse(raw);
      say({
        session: session.id,
        secure: session.secure,
        user: session.user ?? null,
        helo: session.hostNameAppearsAs,
        mailFrom: session.envelope.mailFrom ? session.envelope.mailFrom.address : '',
        rcptTo: session.envelope.rcptTo.map((to) => to.address),
        raw: raw.toString('base64'),
        subject: mail.subject ?? '',
        fromName: mail.from?.name ?? '',
        fromAddress: mail.from?.address ?? '',
        toName: mail.to?.[0]?.name ?? '',
        toAddress: mail.to?.[0]?.address ?? '',
        text: mail.text ?? '',
        html: mail.html ?? '',
        messageId: mail.messageId ?? '',
        date: mail.date ?? '',
        headers: mail.headers.map(({ key, value }) => [key, value]),
      });
      callback(null, `OK: message queued as ${session.id}`);
    });
  },
});

server.on('error', (error) => {
  if (!server.server.listening) {
    process.stderr.write(error.stack + '\n');
    process.exit(1);
  }
});
server.listen(0, '127.0.0.1', () => say({ port: server.server.address().port }));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
