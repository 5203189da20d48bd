-- Behind the wall between accounts (AccountWall) too, addresses are hashed with it.
CREATE POLICY shared ON address_key FOR SELECT USING (account_id = 0);
