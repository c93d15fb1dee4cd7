"""The charts of the report: `campaign_charts` has those of a campaign, `star_charts` of a star."""
