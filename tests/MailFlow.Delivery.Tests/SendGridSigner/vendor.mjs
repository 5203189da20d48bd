// SendGrid's own library for signed event webhooks. Takes one JSON object on standard input:
//   { timestamp, body }                        signs as SendGrid does, with the library that its verifier is built on; prints { publicKey, signature }
//   { timestamp, body, publicKey, signature }  has SendGrid's verifier judge; prints true or false
import { createRequire } from 'node:module';
import { json } from 'node:stream/consumers';
import webhook from '@sendgrid/eventwebhook';

const ofVendor = createRequire(import.meta.resolve('@sendgrid/eventwebhook'));
const { Ecdsa, PrivateKey } = ofVendor('starkbank-ecdsa');
const { p256 } = ofVendor('starkbank-ecdsa/ellipticcurve/curve');

const { timestamp, body, publicKey, signature } = await json(process.stdin);
if (signature) {
  const judge = new webhook.EventWebhook();
  process.stdout.write(String(judge.verifySignature(judge.convertPublicKeyToECDSA(publicKey), body, signature, timestamp)));
} else {
  const key = new PrivateKey(p256);
  process.stdout.write(JSON.stringify({ publicKey: key.publicKey().toPem(), signature: Ecdsa.sign(timestamp + body, key).toBase64() }));
}
