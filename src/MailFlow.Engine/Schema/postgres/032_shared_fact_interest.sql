-- Behind the wall between accounts (AccountWall) too, what is asked for of all accounts (account 0) is told.
CREATE POLICY shared ON fact_interest FOR SELECT USING (account_id = 0);
