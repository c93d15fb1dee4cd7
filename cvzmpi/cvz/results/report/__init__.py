"""`cvzmpi report`: a campaign as a static web site that needs no server and no network.

`site` calls `star_page` for each star (on all ranks, and only for those that changed), then
`gallery` (on all ranks) and `campaign_page`. `tables` says what is in the tables, which `tables.js`
of `cvzmpi/web` sorts and filters; `downloads` writes them as files.
"""
