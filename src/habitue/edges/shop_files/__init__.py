"""Shop files: a shop written down in YAML.

Names are those of the Management API (`caseSensitivity`, `usageLimit`); rules are written in the
text notation, with `when` and `then`, or as Talang in JSON form, with `condition` and `effects`.

    applications:
      - name: Web shop
        timezone: Europe/Berlin
        currency: EUR
        campaigns:
          - name: Welcome
            features: [coupons]
            rules:
              - title: 10 % off from 100
                when: couponValid() and session.total >= 100
                then:
                  - setDiscount("10 % off", session.total * 0.1)
            coupons:
              - code: WELCOME10
                usageLimit: 0

What the shop says of itself (tills, fields, labels, card series) is in `shop_files.organisation`.
"""

from habitue.edges.shop_files.reading import ShopFiles, read_files

__all__ = ["ShopFiles", "read_files"]
